// expect-error: hidden_widths_above_zero
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | iaf<>;

// expect-error: normal
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<0> | iaf<64>;

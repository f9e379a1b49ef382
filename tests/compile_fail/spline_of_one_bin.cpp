// expect-error: K >= 2
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | rational_quadratic<1>;

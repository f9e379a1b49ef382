// expect-error: order
// expect-error: bijou: expected each of 0 to n - 1 once
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<3> | iaf<8>.order({0, 2, 2});

// expect-error: bijou: mixing\(map\) needs map.forward\(x, y, parameters...\)
#include <bijou/bijou.hpp>

using namespace bijou;

struct empty {};
constexpr auto p = normal<2> | mixing(empty{});

// expect-error: bijou: inverse\(\) turns words round
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = inverse(normal<2>);

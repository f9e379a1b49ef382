// expect-error: bijou: elementwise.f.
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | elementwise(exp_map);

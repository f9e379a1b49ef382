// expect-error: leaky_relu_map\(slope\): expected a finite slope > 0
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | leaky_relu_map(0);

// expect-error: sigmoid_bias
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | maf<64>.sigmoid_bias(2.0);

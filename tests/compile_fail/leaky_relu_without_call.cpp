// expect-error: bijou: what stands right of \| is no word
// expect-error: call words that are functions
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | leaky_relu_map;

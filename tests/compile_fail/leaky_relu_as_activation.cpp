// expect-error: bijou: activation\(a\) takes one of activations::relu
#include <bijou/bijou.hpp>

using namespace bijou;

// The word; the activation of that name is activations::leaky_relu.
constexpr auto p = normal<2> | iaf<64>.activation(leaky_relu_map);

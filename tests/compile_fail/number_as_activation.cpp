// expect-error: bijou: activation\(a\) takes one of activations::
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | iaf<64>.activation(3);

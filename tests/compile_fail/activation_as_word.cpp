// expect-error: bijou: what stands right of | is no word
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | activations::tanh;

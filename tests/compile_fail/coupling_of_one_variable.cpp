// expect-error: bijou: this word names or needs more variables than the base has
// expect-error: coupling needs two variables
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<1> | coupling<64>(affine);

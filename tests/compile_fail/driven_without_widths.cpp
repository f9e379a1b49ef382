// expect-error: bijou: a word with a network needs hidden widths above 0: driven<64>.affine.
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | given<1> | driven(planar);

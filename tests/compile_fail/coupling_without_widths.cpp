// expect-error: bijou: a word with a network needs hidden widths above 0
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | coupling(affine);

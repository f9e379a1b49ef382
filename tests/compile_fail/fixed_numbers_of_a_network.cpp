// expect-error: bijou: the parameters of t.fixed\(\) are numbers of its own
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | coupling<8>(diagonal_affine.fixed());

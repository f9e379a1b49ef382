// expect-error: bijou: the domain of this word is not the support of the expression before it
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = uniform<2> | coupling<64>(rational_quadratic<8>);

// expect-error: bijou: the domain of this word is not the support
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | exp_map | numerically_inverted(radial);

// expect-error: bijou: this word has a closed inverse; it needs no numerically_inverted\(word\)
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | numerically_inverted(affine);

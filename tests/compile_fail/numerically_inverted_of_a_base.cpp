// expect-error: bijou: numerically_inverted\(word\) takes one word
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = numerically_inverted(normal<2>);

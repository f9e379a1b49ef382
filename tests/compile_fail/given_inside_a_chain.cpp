// expect-error: bijou: given<C> stands right after the base
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto layers = iaf<64> | given<3>;

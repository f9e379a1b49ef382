// expect-error: bijou: given<C> stands right after the base
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | flip | given<3> | iaf<64>;

// expect-error: bijou: given<C>.standardise.* takes C means and C
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | given<3>.standardise({1, 2}, {1, 2}) | iaf<64>;

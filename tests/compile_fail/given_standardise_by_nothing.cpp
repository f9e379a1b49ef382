// expect-error: finite scales above 0
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | given<3>.standardise({1, 2, 3}, {1, 0, 1}) | iaf<64>;

// expect-error: bijou: a base distribution stands first and only once
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto prior = normal<2> | iaf<64>;
constexpr auto p = normal<2> | iaf<64> | prior;

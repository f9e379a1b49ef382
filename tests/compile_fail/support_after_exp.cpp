// expect-error: bijou: the domain of this word is not the support of the expression before it
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | exp_map | iaf<64>;

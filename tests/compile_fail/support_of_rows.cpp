// expect-error: bijou: the domain of this word is not the support of the expression before it
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<3> | on<1>(exp_map) | on<0, 1>(sigmoid_map);

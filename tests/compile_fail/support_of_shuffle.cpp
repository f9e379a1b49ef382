// expect-error: bijou: permute and shuffle
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<3> | on<1>(exp_map) | shuffle(7);

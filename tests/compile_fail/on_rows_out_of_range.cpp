// expect-error: bijou: this word names or needs more variables than the base has
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | on<2>(exp_map);

// expect-error: bijou: on<rows\.\.\.>.*once
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | on<1, 1>(exp_map);

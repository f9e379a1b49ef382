// expect-error: bijou: on<rows\.\.\.>\(word\) takes one elementwise word
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | on<1>(iaf<64>);

// expect-error: bijou: what stands right of | is no word
// expect-error: elementwise\(my_map\{\}\)
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | 64;

// expect-error: bijou: a base distribution stands first and only once
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = iaf<64> | normal<2>;

// expect-error: coupling
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | coupling<64>;

// expect-error: bijou: this word has another event size than the expression before it
// expect-error: 8 == 3
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<8> | iaf<64>.order({2, 0, 1});

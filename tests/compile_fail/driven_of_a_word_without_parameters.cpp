// expect-error: lets a context drive the parameters of a word, and this word has none
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<4> | given<2> | driven<8>(haar<>);

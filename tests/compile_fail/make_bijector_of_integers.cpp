// expect-error: bijou: make_bijector<T, D>.*float or double
#include <bijou/bijou.hpp>

using namespace bijou;

auto f = make_bijector<int, 2>(iaf<64>);

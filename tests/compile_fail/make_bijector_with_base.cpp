// expect-error: bijou: make_bijector<T, D>.word | word. takes words without a base
#include <bijou/bijou.hpp>

using namespace bijou;

auto f = make_bijector<float, 2>(normal<2> | iaf<64>);

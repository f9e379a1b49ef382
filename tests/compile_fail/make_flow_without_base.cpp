// expect-error: bijou: make_flow needs a base
// expect-error: make_bijector<T, D>
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(iaf<64>);

// expect-error: bijou: parallel
#include <bijou/bijou.hpp>

using namespace bijou;

const auto f = make_bijector<float, 2>(iaf<8>);
auto team = parallel(f, 2);

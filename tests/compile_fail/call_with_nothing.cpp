// expect-error: bijou: inverse.y. takes an xtensor
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto x = q.inverse();

// expect-error: bijou: a context is only for flows with given<C>
#include <bijou/bijou.hpp>

using namespace bijou;

auto f = make_bijector<float, 2>(iaf<8>);
const xt::xtensor<float, 2> x{{1, 2}}, c{{1, 2, 3}};
auto [y, log_det] = f.forward(x, c);

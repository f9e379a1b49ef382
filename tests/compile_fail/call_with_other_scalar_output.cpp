// expect-error: bijou: memory is of the flow.s own scalar type
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_workspace();
xt::xtensor<float, 2> x{{1, 2}};
xt::xtensor<double, 2> y{{1, 2}};
auto log_det = q.forward(x, y, ws);

// expect-error: bijou: value_and_grad\(q, samples\) takes a context exactly if q has given<C>
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | given<3> | iaf<8>);
const xt::xtensor<float, 2> y{{1, 2}};
auto g = value_and_grad(q, y);

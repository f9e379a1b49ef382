// expect-error: bijou: this flow has a given<C>: pass the context
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | given<3> | iaf<8>);
const xt::xtensor<float, 2> y{{1, 2}};
auto lp = q.log_prob(y);

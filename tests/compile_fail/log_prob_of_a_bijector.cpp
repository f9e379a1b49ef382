// expect-error: log_prob
#include <bijou/bijou.hpp>

using namespace bijou;

const auto f = make_bijector<float, 2>(iaf<8>);
const xt::xtensor<float, 2> y{{1, 2}};
auto lp = f.log_prob(y);

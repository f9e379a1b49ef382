// expect-error: bijou: log_prob.y.
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | iaf<8>);
const std::vector<float> y(20);
auto lp = q.log_prob(y);

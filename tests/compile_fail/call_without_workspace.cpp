// expect-error: bijou: log_prob.y. takes .* own log_prob.y, .context,. log_prob, workspace.
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
std::vector<float> y(20), x(20), log_p(10), c(30);
const auto batch = rows_of(y.data(), 10, 2);
const auto done = (q.log_prob(batch, log_p.data()), 0);

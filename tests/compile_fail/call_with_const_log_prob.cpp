// expect-error: bijou: an output of this call cannot be written
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_workspace();
std::vector<float> y(20), x(20), log_p(10), c(30);
const auto batch = rows_of(y.data(), 10, 2);
const float* out = log_p.data();
const auto done = (q.log_prob(batch, out, ws), 0);

// expect-error: bijou: an output of this call cannot be written
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | given<3> | iaf<8>);
auto ws = q.make_workspace();
std::vector<float> y(20), x(20), log_p(10), c(30);
const auto batch = rows_of(y.data(), 10, 2);
philox stream{1};
const batch_view<const float> context = rows_of(c.data(), 10, 3);
const auto done = (q.sample_and_log_prob(stream, context, batch, log_p.data(), ws), 0);

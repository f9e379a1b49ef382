// expect-error: bijou: memory is of the flow.s own scalar type
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_workspace();
std::vector<float> y(20), x(20), log_p(10), c(30);
const auto batch = rows_of(y.data(), 10, 2);
std::vector<double> out(10);
const auto done = (q.log_prob(batch, out.data(), ws), 0);

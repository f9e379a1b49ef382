// expect-error: bijou: a context is only for flows with given<C>
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_workspace();
std::vector<float> y(20), x(20), log_p(10), c(30);
const auto batch = rows_of(y.data(), 10, 2);
const auto context = rows_of(c.data(), 10, 3);
const auto done = (q.forward(batch, context, rows_of(x.data(), 10, 2), nullptr, ws), 0);

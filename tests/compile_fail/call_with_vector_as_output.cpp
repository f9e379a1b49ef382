// expect-error: bijou: of a std::vector, or a std::span without a length
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_workspace();
std::vector<float> y(20), x(20), log_p(10), c(30);
const auto batch = rows_of(y.data(), 10, 2);
const auto done = (q.forward(batch, x, log_p.data(), ws), 0);

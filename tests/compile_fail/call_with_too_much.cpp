// expect-error: bijou: sample_from.noise. takes an xtensor
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_workspace();
std::vector<float> y(20), x(20), log_p(10), c(30);
const auto batch = rows_of(y.data(), 10, 2);
const auto done = (q.sample_from(batch, batch, log_p.data(), log_p.data(), ws), 0);

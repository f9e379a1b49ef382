// expect-error: bijou: memory is of the flow.s own scalar type
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_workspace();
std::vector<double> y(20);
auto lp = q.log_prob(rows_of(y.data(), 10, 2));

// expect-error: bijou: a workspace is of the flow.s scalar type
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto p = make_flow<double>(normal<2> | iaf<8>);
auto ws = p.make_workspace();
const std::array<float, 2> y{};
float lp = q.log_prob(y, ws);

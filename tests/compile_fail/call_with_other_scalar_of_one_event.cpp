// expect-error: bijou: memory is of the flow.s own scalar type
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_workspace();
const std::array<double, 2> y{};
float lp = q.log_prob(std::span(y), ws);

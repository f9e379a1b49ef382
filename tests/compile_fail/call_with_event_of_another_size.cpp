// expect-error: bijou: a std::span or std::array is one event, and has as many
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_workspace();
const std::array<float, 3> y{};
float lp = q.log_prob(std::span(y), ws);

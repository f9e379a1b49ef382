// expect-error: bijou: a target gives log p as a number of the kind that it was called with
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_gradient_workspace();
std::vector<float> g(q.parameters().size());
const auto loss = elbo([](const auto& x) { return x; });
auto value = loss.accumulate(q, std::span<float>(g), ws);

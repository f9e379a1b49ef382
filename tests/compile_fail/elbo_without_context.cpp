// expect-error: bijou: elbo takes a context, as in elbo\(target, options, context\), exactly if the
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | given<3> | iaf<8>);
auto ws = q.make_gradient_workspace();
std::vector<float> g(q.parameters().size());
const auto loss = elbo([](const auto& x) { return -x[0] * x[1]; });
auto value = loss.accumulate(q, std::span<float>(g), ws);

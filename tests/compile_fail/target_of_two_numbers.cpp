// expect-error: bijou: a target is called with an array of D numbers, packs or duals of them
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_gradient_workspace();
std::vector<float> g(q.parameters().size());
const auto loss = elbo([](double x, double y) { return -x * y; });
auto value = loss.accumulate(q, std::span<float>(g), ws);

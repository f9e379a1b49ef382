// expect-error: packs have no such function
// most-lines: 15 (clang's, with its closing "1 error generated."; 14 are g++'s)
#include <bijou/bijou.hpp>

#include <cmath>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_gradient_workspace();
std::vector<float> g(q.parameters().size());
const auto loss = elbo([](const auto& x) { return std::lgamma(x[0] * x[0]) - std::abs(x[1]); });
auto value = loss.accumulate(q, std::span<float>(g), ws);

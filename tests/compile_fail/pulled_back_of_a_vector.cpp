// expect-error: bijou: of a std::vector, or a std::span without a length
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<double>(normal<2> | iaf<8>);
const auto density = pulled_back(q, [](const auto& x) { return -x[0] * x[1]; });
auto [value, gradient] = density.value_and_grad(std::vector{0.5, 0.25});

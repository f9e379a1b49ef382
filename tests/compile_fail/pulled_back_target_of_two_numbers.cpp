// expect-error: bijou: a target is called with an array of D numbers
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<double>(normal<2> | iaf<8>);
const auto density = pulled_back(q, [](double x, double y) { return -x * y; });
auto [value, gradient] = density.value_and_grad(std::array{0.5, 0.25});

// expect-error: bijou: scalar_target\(f\) calls f\(std::span<const double> x, std::span<double>
// gradient\)
#include <bijou/bijou.hpp>

using namespace bijou;

const auto log_p = [](double x, double y) { return -0.5 * (x * x + y * y); };
auto q = make_flow<float>(normal<2> | iaf<8>);
const auto result = fit_to(q, scalar_target(log_p));

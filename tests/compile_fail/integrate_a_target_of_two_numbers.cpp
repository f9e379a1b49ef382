// expect-error: bijou: integrate calls the integrand with a std::array<double, D>
#include <bijou/bijou.hpp>
#include <bijou/training/integrate.hpp>

using namespace bijou;

auto q = make_flow<float>(uniform<2> | autoregressive<8>(rational_quadratic<8>.unit_box()));
const auto i = integrate(q, [](double x, double y) { return x * y; });

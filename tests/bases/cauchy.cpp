/// \file
/// cauchy<D>: its density to the ends of the type's range, and its numbers by the quantile
/// function.

#include "../flow/check.hpp"
#include "check.hpp"

using namespace bijou;
using testing::real;

namespace {
constexpr real pi = 3.14159265358979323846264338L;
real log_density(real x) { return -std::log(pi) - std::log1p(x * x); }
real score(real x) { return -2 * x / (1 + x * x); }
double distribution(double x) { return 0.5 + std::atan(x) / std::numbers::pi; }
} // namespace

TEMPLATE_TEST_CASE("cauchy: density and score, far out, too", "[bases]", float, double) {
  using T = TestType;
  testing::check_density<T>(
      cauchy<1>, {-1e37, -1e19, -1e12, -1e5, -20, -1, -0.3, -1e-10, 1e-30, 0.01, 2.5, 40, 1e30},
      log_density, score);
  if (sizeof(T) == 8)
    testing::check_density<T>(cauchy<1>, {-1e300, -1e155, 1e120, 1e121, 1e307}, log_density, score);
  using P = simd::pack<T>;
  constexpr T inf = std::numeric_limits<T>::infinity();
  for (const T x : {T(0), T(-0.0), inf, -inf}) CHECK(cauchy<1>.score(P(x), 0)[0] == 0);
  CHECK(std::isnan(cauchy<1>.score(P(std::numeric_limits<T>::quiet_NaN()), 0)[0]));
}

TEMPLATE_TEST_CASE("cauchy: samples", "[bases]", float, double) {
  using T = TestType;
  testing::check_samples<T>(cauchy<3>, distribution, std::nan(""), std::nan(""));
  testing::check_bits_of_noise<T>(cauchy<1>);
  testing::check_bits_of_noise<T>(cauchy<7>);
  testing::check_numbers<T>(cauchy<5>, [](real u, bool last) {
    const real angle = pi / 2 * u;
    const real magnitude = u == 1 ? 0 : std::cos(angle) / std::sin(angle);
    return last ? -magnitude : magnitude;
  });
}

TEST_CASE("cauchy: the integral is 1", "[bases]") {
  CHECK(testing::integral_of(cauchy<1>) == Approx(1).epsilon(1e-6));
}

TEST_CASE("cauchy: ends of the line, and flows over it", "[bases]") {
  const auto f = testing::make_subject<double>(cauchy<2>);
  constexpr double inf = std::numeric_limits<double>::infinity();
  CHECK(f.log_prob({1, inf}, {})[0] == -inf);
  CHECK(f.log_prob({-inf, 1}, {})[0] == -inf);
  CHECK(std::isnan(f.log_prob({std::nan(""), 1}, {})[0]));
  testing::check_isolation(f);
  testing::check_expression(cauchy<3> | affine | iaf<8>);
}

/// \file
/// logistic<D>: its density, its numbers by the quantile function, and that a sigmoid of it is
/// uniform.

#include "../flow/check.hpp"
#include "check.hpp"

using namespace bijou;
using testing::real;

namespace {
real log_density(real x) { return -std::abs(x) - 2 * std::log1p(std::exp(-std::abs(x))); }
real score(real x) { return -std::tanh(x / 2); }
double distribution(double x) { return 1 / (1 + std::exp(-x)); }
} // namespace

TEMPLATE_TEST_CASE("logistic: density and score, far out, too", "[bases]", float, double) {
  using T = TestType;
  testing::check_density<T>(
      logistic<1>, {-1e30, -1e5, -700, -90, -20, -1, -0.3, -1e-10, 1e-30, 0.01, 2.5, 40, 1e37},
      log_density, score);
  using P = simd::pack<T>;
  CHECK(logistic<1>.score(P(T(0)), 0)[0] == 0);
  CHECK(std::isnan(logistic<1>.score(P(std::numeric_limits<T>::quiet_NaN()), 0)[0]));
}

TEMPLATE_TEST_CASE("logistic: samples", "[bases]", float, double) {
  using T = TestType;
  testing::check_samples<T>(logistic<3>, distribution, 0, std::numbers::pi * std::numbers::pi / 3);
  testing::check_bits_of_noise<T>(logistic<1>);
  testing::check_bits_of_noise<T>(logistic<7>);
  testing::check_numbers<T>(logistic<5>, [](real u, bool last) {
    const real magnitude = std::log1p(1 - u) - std::log(u);
    return last ? -magnitude : magnitude;
  });
}

TEST_CASE("logistic: the integral is 1", "[bases]") {
  CHECK(testing::integral_of(logistic<1>) == Approx(1).epsilon(1e-6));
}

TEMPLATE_TEST_CASE("logistic: a sigmoid of it is uniform", "[bases]", float, double) {
  using T = TestType;
  const auto f = testing::make_subject<T>(logistic<1> | sigmoid_map);
  for (const double y : {1e-30, 1e-5, 0.1, 0.5, 0.75, 0.999})
    CHECK(testing::near(f.log_prob({static_cast<T>(y)}, {})[0], 0,
                        (1 + std::abs(std::log(y))) * 8 * std::numeric_limits<T>::epsilon()));
}

TEST_CASE("logistic: ends of the line, and flows over it", "[bases]") {
  const auto f = testing::make_subject<double>(logistic<2>);
  constexpr double inf = std::numeric_limits<double>::infinity();
  CHECK(f.log_prob({1, inf}, {})[0] == -inf);
  CHECK(f.log_prob({-inf, 1}, {})[0] == -inf);
  CHECK(std::isnan(f.log_prob({std::nan(""), 1}, {})[0]));
  testing::check_isolation(f);
  testing::check_expression(logistic<3> | affine | iaf<8>);
}

/// \file
/// laplace<D>: its density, its score with the kink, and its numbers by the quantile function.

#include "../flow/check.hpp"
#include "check.hpp"

using namespace bijou;
using testing::real;

namespace {
real log_density(real x) { return -std::abs(x) - std::log(2.0L); }
real score(real x) { return x > 0 ? -1 : 1; }
double distribution(double x) { return x < 0 ? std::exp(x) / 2 : 1 - std::exp(-x) / 2; }
} // namespace

TEMPLATE_TEST_CASE("laplace: density and score, far out, too", "[bases]", float, double) {
  using T = TestType;
  testing::check_density<T>(laplace<1>,
                            {-1e30, -1e5, -20, -1, -0.3, -1e-10, 1e-30, 0.01, 2.5, 40, 1e7, 1e37},
                            log_density, score);
  using P = simd::pack<T>;
  for (const T kink : {T(0), T(-0.0)}) CHECK(laplace<1>.score(P(kink), 0)[0] == 0);
  CHECK(std::isnan(laplace<1>.score(P(std::numeric_limits<T>::quiet_NaN()), 0)[0]));
}

TEMPLATE_TEST_CASE("laplace: samples", "[bases]", float, double) {
  using T = TestType;
  testing::check_samples<T>(laplace<3>, distribution, 0, 2);
  testing::check_bits_of_noise<T>(laplace<1>);
  testing::check_bits_of_noise<T>(laplace<7>);
  testing::check_numbers<T>(laplace<5>,
                            [](real u, bool last) { return last ? std::log(u) : -std::log(u); });
}

TEST_CASE("laplace: the integral is 1", "[bases]") {
  CHECK(testing::integral_of(laplace<1>) == Approx(1).epsilon(1e-6));
}

TEST_CASE("laplace: ends of the line, and flows over it", "[bases]") {
  const auto f = testing::make_subject<double>(laplace<2>);
  constexpr double inf = std::numeric_limits<double>::infinity();
  CHECK(f.log_prob({1, inf}, {})[0] == -inf);
  CHECK(f.log_prob({-inf, 1}, {})[0] == -inf);
  CHECK(std::isnan(f.log_prob({std::nan(""), 1}, {})[0]));
  testing::check_isolation(f);
  testing::check_expression(laplace<3> | affine | iaf<8>);
}

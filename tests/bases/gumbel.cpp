/// \file
/// gumbel<D>: its density with a tail that is soon beyond the type's range, and its numbers by the
/// quantile function.

#include "../flow/check.hpp"
#include "check.hpp"

using namespace bijou;
using testing::real;

namespace {
real log_density(real x) { return -x - std::exp(-x); }
real score(real x) { return std::expm1(-x); }
double distribution(double x) { return std::exp(-std::exp(-x)); }
} // namespace

TEMPLATE_TEST_CASE("gumbel: density and score, far out, too", "[bases]", float, double) {
  using T = TestType;
  testing::check_density<T>(gumbel<1>,
                            {-80, -20, -3, -1, -0.3, -1e-10, 1e-30, 0.01, 2.5, 40, 1e5, 1e37},
                            log_density, score);
  using P = simd::pack<T>;
  CHECK(gumbel<1>.score(P(T(0)), 0)[0] == 0);
  CHECK(std::isnan(gumbel<1>.score(P(std::numeric_limits<T>::quiet_NaN()), 0)[0]));
  const auto f = testing::make_subject<T>(gumbel<2>);
  constexpr T inf = std::numeric_limits<T>::infinity();
  // Where e^-x is infinite, no infinity of the other sign may meet it.
  for (const T low : {T(-800), T(-1e30), -inf})
    for (const T other : {T(1), inf, -inf}) {
      CHECK(f.log_prob({low, other}, {})[0] == -inf);
      CHECK(f.sample_from({low, other}, {}).log_det[0] == -inf);
    }
}

TEMPLATE_TEST_CASE("gumbel: samples", "[bases]", float, double) {
  using T = TestType;
  testing::check_samples<T>(gumbel<3>, distribution, std::numbers::egamma,
                            std::numbers::pi * std::numbers::pi / 6);
  testing::check_bits_of_noise<T>(gumbel<1>);
  testing::check_bits_of_noise<T>(gumbel<7>);
  testing::check_numbers<T>(
      gumbel<5>,
      [](real u, bool last) { return -std::log(last ? -std::log(u / 2) : -std::log1p(-u / 2)); },
      1);
}

TEST_CASE("gumbel: the integral is 1", "[bases]") {
  CHECK(testing::integral_of(gumbel<1>) == Approx(1).epsilon(1e-6));
}

TEST_CASE("gumbel: flows over it", "[bases]") {
  const auto f = testing::make_subject<double>(gumbel<2>);
  CHECK(std::isnan(f.log_prob({std::nan(""), 1}, {})[0]));
  testing::check_isolation(f);
  testing::check_expression(gumbel<3> | affine | iaf<8>);
}

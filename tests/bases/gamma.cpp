/// \file
/// gamma<D>(shape): its density for small and large shapes, and that samples follow the law though
/// some of their tries are rejected.

#include <bijou/random/gamma.hpp>

#include <random>
#include <stdexcept>

#include "../flow/check.hpp"
#include "check.hpp"

using namespace bijou;
using testing::real;

namespace {

/// The textbook formula; the C library has the gamma function in long double.
auto log_density(real a) {
  return [a](real x) { return (a - 1) * std::log(x) - x - std::lgamma(a); };
}
auto score(real a) {
  return [a](real x) { return (a - 1 - x) / x; };
}

} // namespace

TEMPLATE_TEST_CASE("gamma: density and score", "[bases]", float, double) {
  using T = TestType;
  // Terms of up to 14, of three variables, may cancel.
  for (const double a : {0.01, 0.3, 1.0, 1.5, 2.0, 7.0})
    testing::check_density<T>(gamma<1>(a), {1e-37, 1e-10, 0.01, 0.4, 1.25, 2.5, 9, 40, 1e5, 1e37},
                              log_density(a), score(a), 48);
  // Where the textbook's terms are far larger than the result.
  for (const double a : {50.0, 300.0, 1024.0})
    testing::check_density<T>(gamma<1>(a), {0.001, 0.5, a - 16, a, a + 1, a + 16, 1e7},
                              log_density(a), score(a), 24);
  const auto large = make_flow<T>(gamma<1>(0x1p40));
  auto ws = large.make_workspace();
  // At the mean, -log(2 pi a)/2 - 1/(12 a).
  CHECK(large.log_prob(std::array{T(0x1p40)}, ws) == Approx(-14.781882144403655).epsilon(1e-7));
  using P = simd::pack<T>;
  CHECK(std::isnan(gamma<1>(2).score(P(std::numeric_limits<T>::quiet_NaN()), 0)[0]));
}

TEST_CASE("what Stirling's formula leaves out, for constants", "[bases]") {
  for (const real a : {1e-300L, 1e-10L, 0.01L, 0.5L, 1.0L, 3.25L, 15.9L, 16.0L, 17.5L, 100.0L}) {
    INFO("a = " << static_cast<double>(a));
    const real exact = std::lgamma(a) - (a - 0.5L) * std::log(a) + a -
                       std::log(2 * 3.14159265358979323846264338L) / 2;
    CHECK(testing::near(detail::stirling_remainder(static_cast<double>(a)),
                        static_cast<double>(exact),
                        1e-15 * std::max(1.0, std::abs(static_cast<double>(exact)))));
  }
  CHECK(detail::stirling_remainder(1e8) == Approx(1 / 1.2e9).epsilon(1e-15));
}

TEMPLATE_TEST_CASE("gamma: samples", "[bases]", float, double) {
  using T = TestType;
  testing::check_samples<T>(
      gamma<3>(0.5), [](double x) { return std::erf(std::sqrt(x)); }, 0.5, 0.5);
  testing::check_samples<T>(
      gamma<3>(1), [](double x) { return -std::expm1(-x); }, 1, 1);
  testing::check_samples<T>(
      gamma<3>(3), [](double x) { return 1 - std::exp(-x) * (1 + x + x * x / 2); }, 3, 3);
  for (const double a : {0.3, 2.0}) {
    testing::check_bits_of_noise<T>(gamma<1>(a));
    testing::check_bits_of_noise<T>(gamma<7>(a));
    testing::check_bits_of_noise<T>(gamma<35>(a)); // an event in several stretches
  }
  // Others have no simple distribution function: the standard library draws them otherwise.
  for (const double a : {0.2, 1.7, 40.0, 1e5})
    testing::check_against_standard<T>(gamma<3>(a), std::gamma_distribution<double>(a, 1), 78, 6);
}

TEMPLATE_TEST_CASE("gamma: several variates of a variable are independent", "[bases]", float,
                   double) {
  using T = TestType;
  constexpr std::size_t n = 20'000;
  const philox stream(3);
  const detail::gamma_numbers<T> one(1.0, 0), other(1.0, 1);
  double together = 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::array<T, 2> x{}, y{};
    detail::fill_event_of_variates(stream, i, std::span<T>(x), one);
    detail::fill_event_of_variates(stream, i, std::span<T>(y), other);
    together += (std::exp(-double{x[1]}) - 0.5) * (std::exp(-double{y[1]}) - 0.5) * 12;
  }
  CHECK(std::abs(together) < 4 * std::sqrt(static_cast<double>(n)));
}

TEMPLATE_TEST_CASE("gamma: no sample leaves the support, however small the shape", "[bases]", float,
                   double) {
  using T = TestType;
  for (const double a : {1e-9, 0.01, 0.1}) {
    const auto q = make_flow<T>(gamma<2>(a));
    philox stream(4);
    const auto [y, log_p] = q.sample_and_log_prob(stream, 3000);
    for (const T v : y) REQUIRE((v >= std::numeric_limits<T>::min() && std::isfinite(v)));
    for (const T v : log_p) REQUIRE(std::isfinite(v));
  }
}

TEST_CASE("gamma: the integral is 1", "[bases]") {
  for (const double a : {1.0, 2.5, 30.0})
    CHECK(testing::integral_of(gamma<1>(a)) == Approx(1).epsilon(1e-6));
}

TEMPLATE_TEST_CASE("gamma: the ends of its support", "[bases]", float, double) {
  using T = TestType;
  constexpr T inf = std::numeric_limits<T>::infinity(), tiny = std::numeric_limits<T>::denorm_min();
  for (const double a : {0.5, 1.0, 3.0}) {
    const auto f = testing::make_subject<T>(gamma<2>(a));
    CHECK(std::isfinite(f.log_prob({tiny, T(1)}, {})[0]));
    for (const T outside : {T(0), T(-0.0), -tiny, T(-1), inf, -inf}) {
      CHECK(f.log_prob({outside, T(1)}, {})[0] == -inf);
      CHECK(f.sample_from({outside, T(1)}, {}).log_det[0] == -inf); // given noise, too
    }
    CHECK(std::isnan(f.log_prob({std::numeric_limits<T>::quiet_NaN(), T(1)}, {})[0]));
  }
}

TEST_CASE("gamma refuses shapes that make no distribution", "[bases]") {
  const auto says = Catch::Contains("expected a finite shape > 0");
  constexpr double inf = std::numeric_limits<double>::infinity();
  for (const double a : {0.0, -1.0, inf, std::nan("")}) CHECK_THROWS_WITH(gamma<2>(a), says);
  CHECK_THROWS_AS(gamma<2>(0), std::invalid_argument);
  CHECK_THROWS_WITH(make_flow<float>(gamma<2>(1e25)),
                    Catch::Contains("gamma<2>(1e+25)") && Catch::Contains("in float"));
  CHECK_NOTHROW(make_flow<double>(gamma<2>(1e25)));
  for (const double a : {std::numeric_limits<double>::denorm_min(), 1e-300, 1e300})
    CHECK_THROWS_AS(make_flow<double>(gamma<2>(a)), std::invalid_argument);
}

TEST_CASE("gamma: flows over it", "[bases]") {
  constexpr auto expression = gamma<3>(2.5) | inverse(softplus_map) | affine | iaf<8>;
  testing::check_isolation(testing::make_subject<double>(gamma<2>(0.5)));
  testing::check_expression(expression);
}

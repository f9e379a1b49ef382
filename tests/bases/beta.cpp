/// \file
/// beta<D>(a, b): its density for small and large shapes and at the ends, and that samples follow
/// the law.

#include <random>
#include <stdexcept>

#include "../flow/check.hpp"
#include "check.hpp"

using namespace bijou;
using testing::real;

namespace {

/// The textbook formula; the C library has the gamma function in long double.
auto log_density(real a, real b) {
  return [a, b](real x) {
    return (a - 1) * std::log(x) + (b - 1) * std::log1p(-x) + std::lgamma(a + b) - std::lgamma(a) -
           std::lgamma(b);
  };
}
auto score(real a, real b) {
  return [a, b](real x) { return (a - 1) / x - (b - 1) / (1 - x); };
}

} // namespace

TEMPLATE_TEST_CASE("beta: density and score", "[bases]", float, double) {
  using T = TestType;
  const double last = 1 - double{std::numeric_limits<T>::epsilon()} / 2;
  for (const auto& [a, b] : {std::array{0.01, 0.3}, {1.0, 1.0}, {1.0, 2.0}, {2.5, 0.5}, {3.0, 7.0}})
    testing::check_density<T>(beta<1>(a, b), {1e-37, 1e-10, 0.01, 0.4, 0.75, 0.99, last},
                              log_density(a, b), score(a, b), 24);
  // The textbook's terms are hundreds; what is left is the rounding of u and v, times the shapes.
  for (const auto& [a, b] : {std::array{8.0, 8.0}, {50.0, 12.0}, {300.0, 1000.0}})
    testing::check_density<T>(beta<1>(a, b), {1e-20, 0.01, 0.125, 0.3, 0.625, 0.9, last},
                              log_density(a, b), score(a, b), 64);
  using P = simd::pack<T>;
  CHECK(std::isnan(beta<1>(2, 3).score(P(std::numeric_limits<T>::quiet_NaN()), 0)[0]));
}

TEMPLATE_TEST_CASE("beta: large shapes keep their digits near the mean", "[bases]", float, double) {
  using T = TestType;
  // At x = 1/2 of equal shapes: log p = log(a / pi) / 2 + log 2 - 1/(8 a) + O(a^-3).
  const double a = 0x1p20;
  const auto q = make_flow<T>(beta<1>(a, a));
  auto ws = q.make_workspace();
  const double exact = std::log(a / std::numbers::pi) / 2 + std::numbers::ln2 - 1 / (8 * a);
  const double eps = std::numeric_limits<T>::epsilon();
  CHECK(testing::near(q.log_prob(std::array{T(0.5)}, ws), exact, 32 * eps));
}

TEMPLATE_TEST_CASE("beta: samples", "[bases]", float, double) {
  using T = TestType;
  testing::check_samples<T>(
      beta<3>(1, 1), [](double x) { return x; }, 0.5, 1.0 / 12);
  testing::check_samples<T>(
      beta<3>(2, 1), [](double x) { return x * x; }, 2.0 / 3, 1.0 / 18);
  testing::check_samples<T>(
      beta<3>(0.5, 0.5), [](double x) { return 2 / std::numbers::pi * std::asin(std::sqrt(x)); },
      0.5, 0.125);
  testing::check_samples<T>(
      beta<3>(0.1, 1), [](double x) { return std::pow(x, 0.1); }, 1.0 / 11, 10.0 / 11 / 11 / 2.1);
  testing::check_bits_of_noise<T>(beta<1>(0.5, 2));
  testing::check_bits_of_noise<T>(beta<7>(0.5, 2));
  testing::check_bits_of_noise<T>(beta<35>(3, 0.2));
  // Others from two gamma variates of the standard library.
  for (const auto& [a, b] : {std::array{0.3, 2.0}, {40.0, 3.0}, {1e4, 2e4}}) {
    std::mt19937_64 engine(6);
    std::gamma_distribution<double> of_a(a, 1), of_b(b, 1);
    constexpr std::size_t n = 20'000;
    std::vector<double> ours, theirs;
    const auto base = beta<3>(a, b);
    for (std::size_t i = 0; i < n; ++i) {
      std::array<T, 3> x{};
      base.fill(philox(79), i, x.data());
      ours.push_back(double{x[2]});
      const double g = of_a(engine), h = of_b(engine);
      theirs.push_back(g / (g + h));
    }
    INFO("shapes " << a << ", " << b);
    CHECK(testing::kolmogorov_smirnov_2(ours, theirs).p_value > 1e-3);
  }
}

TEMPLATE_TEST_CASE("beta: small shapes choose an end, and stay inside", "[bases]", float, double) {
  using T = TestType;
  // Nearly a coin that falls on 1 with a chance of a / (a + b) = 1/3.
  const auto q = make_flow<T>(beta<2>(0.001, 0.002));
  philox stream(4);
  const auto [y, log_p] = q.sample_and_log_prob(stream, 5000);
  int ones = 0;
  for (const T v : y) {
    REQUIRE((v > 0 && v < 1));
    ones += v > T(0.5);
  }
  CHECK(testing::near(ones / 1e4, 1.0 / 3, 0.02));
  for (const T v : log_p) REQUIRE(std::isfinite(v));
}

TEST_CASE("beta: the integral is 1", "[bases]") {
  for (const auto& [a, b] : {std::array{1.0, 1.0}, {2.5, 3.0}, {30.0, 9.0}}) {
    const auto q = make_flow<double>(beta<1>(a, b));
    auto ws = q.make_workspace();
    const auto p = [&](double x) { return std::exp(q.log_prob(std::array{x}, ws)); };
    CHECK(testing::integrate(p, 0, 1, 20'000) == Approx(1).epsilon(1e-6));
  }
}

TEMPLATE_TEST_CASE("beta: the ends of its support", "[bases]", float, double) {
  using T = TestType;
  constexpr T inf = std::numeric_limits<T>::infinity(), tiny = std::numeric_limits<T>::denorm_min();
  constexpr T gap = std::numeric_limits<T>::epsilon() / 2;
  for (const auto& [a, b] : {std::array{0.5, 0.5}, {1.0, 1.0}, {3.0, 2.0}, {20.0, 30.0}}) {
    const auto f = testing::make_subject<T>(beta<2>(a, b));
    const T half = T(0.5);
    CHECK(std::isfinite(f.log_prob({tiny, half}, {})[0]));
    CHECK(f.log_prob({T(0), half}, {})[0] == f.log_prob({gap, half}, {})[0]);
    CHECK(f.log_prob({T(1), half}, {})[0] == f.log_prob({1 - gap, half}, {})[0]);
    const auto g = f.log_prob_gradient({T(0), T(1)}, {}, {T(1)}, T(1));
    for (const T v : g.by_inputs) CHECK(std::isfinite(v));
    for (const T outside : {-tiny, std::nextafter(T(1), inf), T(-1), inf, -inf}) {
      CHECK(f.log_prob({outside, half}, {})[0] == -inf);
      CHECK(f.sample_from({outside, half}, {}).log_det[0] == -inf); // given noise, too
    }
    CHECK(std::isnan(f.log_prob({std::numeric_limits<T>::quiet_NaN(), half}, {})[0]));
  }
}

TEST_CASE("beta refuses shapes that make no distribution", "[bases]") {
  const auto says = Catch::Contains("expected finite shapes > 0");
  constexpr double inf = std::numeric_limits<double>::infinity();
  for (const double a : {0.0, -1.0, inf, std::nan("")}) {
    CHECK_THROWS_WITH(beta<2>(a, 1), says);
    CHECK_THROWS_WITH(beta<2>(1, a), says);
  }
  CHECK_THROWS_AS(beta<2>(0, 1), std::invalid_argument);
  CHECK_THROWS_WITH(make_flow<float>(beta<2>(1, 1e8)),
                    Catch::Contains("beta<2>(1, 1e+08)") && Catch::Contains("in float"));
  CHECK_NOTHROW(make_flow<double>(beta<2>(1, 1e8)));
  constexpr double least = std::numeric_limits<double>::denorm_min(), most = 1e308;
  for (const auto& [a, b] : {std::array{least, least}, {least, most}, {most, least}, {most, most}})
    CHECK_THROWS_AS(make_flow<double>(beta<2>(a, b)), std::invalid_argument);
}

TEST_CASE("beta: flows over it", "[bases]") {
  testing::check_isolation(testing::make_subject<double>(beta<2>(0.5, 3)));
  constexpr auto expression =
      beta<3>(2.5, 1.5) | rational_quadratic<4>.unit_box() | inverse(sigmoid_map) | affine | iaf<8>;
  testing::check_expression(expression);
}

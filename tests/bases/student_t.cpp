/// \file
/// student_t<D>(nu): its density for any degrees of freedom, its limits, and that samples follow
/// the law whether its tails are heavy or light.

#include <random>
#include <stdexcept>

#include "../flow/check.hpp"
#include "check.hpp"

using namespace bijou;
using testing::real;

namespace {

/// The textbook formula; the C library has the gamma function in long double.
auto log_density(real nu) {
  return [nu](real x) {
    return std::lgamma((nu + 1) / 2) - std::lgamma(nu / 2) -
           std::log(nu * 3.14159265358979323846264338L) / 2 - (nu + 1) / 2 * std::log1p(x * x / nu);
  };
}
auto score(real nu) {
  return [nu](real x) { return -(nu + 1) * x / (nu + x * x); };
}
double distribution_of_2(double x) { return 0.5 + x / (2 * std::sqrt(2 + x * x)); }
double distribution_of_4(double x) {
  const double s = x / std::sqrt(4 + x * x);
  return 0.5 + 0.75 * (s - s * s * s / 3);
}

} // namespace

TEMPLATE_TEST_CASE("student_t: density and score for any nu, far out, too", "[bases]", float,
                   double) {
  using T = TestType;
  for (const double nu : {1e-3, 0.1, 0.5, 1.0, 2.0, 3.7, 10.0, 31.0, 33.0, 100.0, 300.0})
    testing::check_density<T>(
        student_t<1>(nu),
        {-1e30, -1e19, -1e12, -1e5, -20, -1, -0.3, -1e-10, 1e-12, 0.01, 2.5, 40, 1e25},
        log_density(nu), score(nu));
  using P = simd::pack<T>;
  constexpr T inf = std::numeric_limits<T>::infinity();
  for (const T x : {T(0), T(-0.0), inf, -inf}) CHECK(student_t<1>(3).score(P(x), 0)[0] == 0);
  CHECK(std::isnan(student_t<1>(3).score(P(std::numeric_limits<T>::quiet_NaN()), 0)[0]));
}

TEST_CASE("the gamma function between half steps, for constants", "[bases]") {
  for (const real a : {1e-300L, 1e-10L, 0.01L, 0.5L, 1.0L, 3.25L, 15.9L, 16.0L, 17.5L, 1000.0L}) {
    const real exact = std::lgamma(a + 0.5L) - std::lgamma(a) - std::log(a) / 2;
    CHECK(testing::near(detail::log_gamma_half_step(static_cast<double>(a)),
                        static_cast<double>(exact),
                        2e-15 * std::max(1.0, std::abs(static_cast<double>(exact)))));
  }
  CHECK(detail::log_gamma_half_step(1e8) == Approx(-1.25e-9).epsilon(1e-15));
  CHECK(detail::log_gamma_half_step(1e300) == Approx(-1.25e-301).epsilon(1e-15));
  for (const double v : {1e-300, 0.01, 0.25, 0.9999, 1.0, 2.0, 3.7, 1e17, 1e308})
    CHECK(std::abs(detail::constexpr_sqrt(v) / std::sqrt(v) - 1) < 4.5e-16);
}

TEMPLATE_TEST_CASE("student_t: its limits are cauchy and normal", "[bases]", float, double) {
  using T = TestType;
  const T eps = std::numeric_limits<T>::epsilon();
  const auto one = testing::make_subject<T>(student_t<2>(1));
  const auto cauchy_2 = testing::make_subject<T>(cauchy<2>);
  const auto many = testing::make_subject<T>(student_t<2>(sizeof(T) == 4 ? 1e20 : 1e30));
  const auto normal_2 = testing::make_subject<T>(normal<2>);
  for (const double x : {0.0, 0.1, -0.7, 3.0, -8.0})
    for (const double y : {0.0, 1.0, -4.0}) {
      const std::vector<T> point{static_cast<T>(x), static_cast<T>(y)};
      const double tolerance = 16.0 * (1 + x * x + y * y) * double{eps};
      CHECK(testing::near(one.log_prob(point, {})[0], cauchy_2.log_prob(point, {})[0], tolerance));
      CHECK(testing::near(many.log_prob(point, {})[0], normal_2.log_prob(point, {})[0], tolerance));
    }
}

TEMPLATE_TEST_CASE("student_t: samples", "[bases]", float, double) {
  using T = TestType;
  const double none = std::nan("");
  testing::check_samples<T>(
      student_t<3>(1), [](double x) { return 0.5 + std::atan(x) / std::numbers::pi; }, none, none);
  testing::check_samples<T>(student_t<3>(2), distribution_of_2, none, none);
  testing::check_samples<T>(student_t<3>(4), distribution_of_4, 0, 2, false);
  testing::check_samples<T>(student_t<3>(sizeof(T) == 4 ? 1e20 : 1e30), testing::normal_cdf, 0, 1);
  testing::check_bits_of_noise<T>(student_t<1>(2.5));
  testing::check_bits_of_noise<T>(student_t<7>(2.5));
  testing::check_bits_of_noise<T>(student_t<20>(2.5));
  // Others have no simple distribution function: the standard library draws them otherwise.
  for (const double nu : {0.5, 2.5, 7.0})
    testing::check_against_standard<T>(student_t<3>(nu), std::student_t_distribution<double>(nu),
                                       77, 5);
}

TEMPLATE_TEST_CASE("student_t: the radius is Bailey's, the direction any", "[bases]", float,
                   double) {
  using T = TestType;
  constexpr T most = std::numeric_limits<T>::max();
  const double eps = std::numeric_limits<T>::epsilon();
  for (const double nu : {0.02, 0.7, 3.0, 1e6}) {
    const auto base = student_t<3>(nu);
    const philox stream(9);
    std::vector<double> cosines;
    for (std::uint64_t i = 0; i < 4000; ++i) {
      std::array<T, 3> x{};
      base.fill(stream, i, x.data());
      for (std::size_t d = 0; d < 3; ++d) {
        const real u = testing::tail_of<T>(testing::word_of<T>(stream, i, 2 * d));
        const real exact = std::sqrt(nu * std::expm1(-2 / static_cast<real>(nu) * std::log(u)));
        const real radius = std::min(exact, static_cast<real>(most));
        REQUIRE(std::isfinite(x[d]));
        const double cosine = static_cast<double>(x[d] / radius);
        // Powers of 1/nu multiply the error of log u.
        const double slack = (16 + 60 / nu) * eps;
        REQUIRE(std::abs(cosine) <= 1 + slack);
        if (d == i % 3) cosines.push_back(std::clamp(cosine, -1.0, 1.0));
      }
    }
    INFO("nu = " << nu);
    CHECK(testing::kolmogorov_smirnov(cosines, [](double c) {
            return 1 - std::acos(c) / std::numbers::pi;
          }).p_value > 1e-3);
  }
}

TEST_CASE("student_t: the integral is 1", "[bases]") {
  for (const double nu : {1.0, 2.5, 30.0})
    CHECK(testing::integral_of(student_t<1>(nu)) == Approx(1).epsilon(1e-6));
}

TEST_CASE("student_t refuses degrees of freedom that make no distribution", "[bases]") {
  const auto says = Catch::Contains("expected finite degrees of freedom > 0");
  constexpr double inf = std::numeric_limits<double>::infinity();
  for (const double nu :
       {0.0, -1.0, std::numeric_limits<double>::denorm_min(), inf, -inf, std::nan("")})
    CHECK_THROWS_WITH(student_t<2>(nu), says);
  CHECK_THROWS_AS(student_t<2>(0), std::invalid_argument);
  CHECK_THROWS_WITH(make_flow<float>(student_t<2>(1e35)),
                    Catch::Contains("student_t<2>(1e+35)") && Catch::Contains("in float"));
  CHECK_NOTHROW(make_flow<double>(student_t<2>(1e35)));
  for (const double nu : {1e-323, 1e-300, 1e300, std::numeric_limits<double>::max()})
    CHECK_THROWS_AS(make_flow<double>(student_t<2>(nu)), std::invalid_argument);
}

TEST_CASE("student_t: its option goes with the expression, the flow and its marginals", "[bases]") {
  constexpr auto expression = student_t<3>(2.5) | affine;
  CHECK(make_flow<double>(expression).text() == "student_t<3>(2.5) | affine");
  auto q = make_flow<double>(student_t<3>(2.5));
  const auto other = make_flow<double>(student_t<3>(40));
  const auto one = make_flow<double>(student_t<1>(2.5));
  const xt::xtensor<double, 2> y{{1, -2, 0.5}}, first{{1}};
  const double before = q.log_prob(y)(0);
  CHECK(marginal<1>(q).log_prob(first)(0) == one.log_prob(first)(0));
  CHECK(other.log_prob(y)(0) != before);
  const auto copy = q;
  q = other;
  CHECK(copy.log_prob(y)(0) == before);
  CHECK(q.log_prob(y)(0) == other.log_prob(y)(0));
}

TEST_CASE("student_t: ends of the line, and flows over it", "[bases]") {
  const auto f = testing::make_subject<double>(student_t<2>(3));
  constexpr double inf = std::numeric_limits<double>::infinity();
  CHECK(f.log_prob({1, inf}, {})[0] == -inf);
  CHECK(f.log_prob({-inf, 1}, {})[0] == -inf);
  CHECK(std::isnan(f.log_prob({std::nan(""), 1}, {})[0]));
  testing::check_isolation(f);
  testing::check_expression(student_t<3>(2.5) | affine | iaf<8>);
}

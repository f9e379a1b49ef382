/// \file
/// Diagnostics of importance weights against closed forms.

#include <bijou/inference/diagnostics.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "../catch.hpp"

using namespace bijou;
using Catch::Matchers::Contains;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

template <class T> std::span<const T> view(const std::vector<T>& v) { return v; }

/// Log weights N(m, s^2): mean weight exp(m + s^2 / 2), mean square exp(2 m + 2 s^2).
template <class T> std::vector<T> log_normal(std::size_t n, double m, double s) {
  std::mt19937 generator(3);
  std::normal_distribution<double> normal(m, s);
  std::vector<T> w(n);
  for (T& v : w) v = static_cast<T>(normal(generator));
  return w;
}

} // namespace

TEMPLATE_TEST_CASE("effective sample size and evidence of a few weights", "[inference]", float,
                   double) {
  using T = TestType;
  // Weights 1, 2, 3, 0 in any unit.
  for (const double unit : {0.0, -500.0, 500.0}) {
    std::vector<T> w;
    for (const double v : {1.0, 2.0, 3.0}) w.push_back(static_cast<T>(std::log(v) + unit));
    w.push_back(static_cast<T>(-inf));
    const double tolerance = sizeof(T) == 4 ? 1e-4 : 1e-12;
    CHECK(effective_sample_size(view(w)) == Approx(36.0 / 14).epsilon(tolerance));
    const auto e = log_evidence(view(w));
    CHECK(e.value == Approx(std::log(1.5) + unit).epsilon(tolerance).margin(tolerance));
    // Mean 1.5, variance of the weights 5/3: the error of the mean is sqrt(5/12).
    CHECK(e.standard_error == Approx(std::sqrt(5.0 / 12) / 1.5).epsilon(tolerance));
  }
}

TEST_CASE("effective sample size and evidence of log-normal weights", "[inference]") {
  const std::size_t n = 200000;
  const auto w = log_normal<double>(n, -3, 0.5);
  CHECK(effective_sample_size(view(w)) / n == Approx(std::exp(-0.25)).epsilon(0.01));
  const auto e = log_evidence(view(w));
  CHECK(e.standard_error == Approx(std::sqrt((std::exp(0.25) - 1) / n)).epsilon(0.02));
  CHECK(std::abs(e.value - (-3 + 0.125)) < 4 * e.standard_error);
}

TEST_CASE("log_evidence: the error covers", "[inference]") {
  std::mt19937 generator(5);
  std::normal_distribution<double> normal(0, 0.7);
  int inside = 0;
  for (int run = 0; run < 1000; ++run) {
    std::vector<double> w(500);
    for (double& v : w) v = normal(generator);
    const auto e = log_evidence(view(w));
    inside += std::abs(e.value - 0.245) < 2 * e.standard_error;
  }
  CHECK(inside > 920); // 954 expected
  CHECK(inside < 980);
}

TEST_CASE("diagnostics: equal weights, no weights, weights that are none", "[inference]") {
  const std::vector<double> equal(1000, -7.0), zeros(1000, -inf), one{2.0}, none;
  CHECK(effective_sample_size(view(equal)) == Approx(1000));
  CHECK(log_evidence(view(equal)).value == Approx(-7));
  CHECK(log_evidence(view(equal)).standard_error == 0);
  CHECK(pareto_k(view(equal)) == -inf);
  CHECK(effective_sample_size(view(zeros)) == 0);
  CHECK(log_evidence(view(zeros)).value == -inf);
  CHECK(std::isnan(log_evidence(view(zeros)).standard_error));
  CHECK(pareto_k(view(zeros)) == inf);
  CHECK(effective_sample_size(view(one)) == 1);
  CHECK(std::isnan(log_evidence(view(one)).standard_error));
  CHECK(pareto_k(view(one)) == inf);
  CHECK_THROWS_WITH(effective_sample_size(view(none)), Contains("expected log weights, got none"));
  for (const double bad : {not_a_number, inf}) {
    std::vector<double> w(100, 0.0);
    w[17] = bad;
    CHECK_THROWS_WITH(effective_sample_size(view(w)), Contains("in place 17"));
    CHECK_THROWS_WITH(log_evidence(view(w)), Contains("in place 17"));
    CHECK_THROWS_WITH(pareto_k(view(w)), Contains("in place 17"));
  }
}

TEST_CASE("pareto_shape finds the shape of generalised Pareto samples", "[inference]") {
  // Quantiles at (i - 1/2) / n: x = (u^-k - 1) / k.
  for (const double k : {-0.3, 0.2, 0.5, 0.7, 1.0, 1.5}) {
    CAPTURE(k);
    const std::size_t n = 4000;
    std::vector<double> x(n);
    for (std::size_t i = 0; i < n; ++i)
      x[i] = (std::pow(1 - (static_cast<double>(i) + 0.5) / n, -k) - 1) / k;
    CHECK(pareto_shape(x) == Approx(k).margin(0.02));
    for (double& v : x) v *= 1e-8; // any scale
    CHECK(pareto_shape(x) == Approx(k).margin(0.02));
  }
  CHECK_THROWS_AS(pareto_shape(std::vector<double>(4, 1.0)), std::invalid_argument);
}

TEST_CASE("pareto_k tells proposals that cover from those that do not", "[inference]") {
  // q exponential with rate 1, p with rate b: w = b exp((1 - b) z) has Pareto tails, k = 1 - b.
  const std::size_t n = 100000;
  for (const double b : {0.2, 0.5, 0.7}) {
    std::mt19937 generator(9);
    std::exponential_distribution<double> z;
    std::vector<double> w(n);
    for (double& v : w) v = std::log(b) + (1 - b) * z(generator);
    CHECK(pareto_k(view(w)) == Approx(1 - b).margin(0.12));
    for (double& v : w) v -= 2000; // no range matters
    CHECK(pareto_k(view(w)) == Approx(1 - b).margin(0.12));
  }
  CHECK(pareto_k(view(log_normal<float>(10000, 0, 0.1))) < 0.3);
}

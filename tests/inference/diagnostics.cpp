/// \file
/// Diagnostics of importance weights against closed forms and against 60 digits.

#include <bijou/inference/diagnostics.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <vector>

#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xarray.hpp>
#include <xtensor/containers/xtensor.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>
#endif

#include "../catch.hpp"

using namespace bijou;
using Catch::Matchers::Contains;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

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
    CHECK(effective_sample_size(w) == Approx(36.0 / 14).epsilon(tolerance));
    const auto e = log_evidence(w);
    CHECK(e.value == Approx(std::log(1.5) + unit).epsilon(tolerance).margin(tolerance));
    // Mean 1.5, variance of the weights 5/3: the error of the mean is sqrt(5/12).
    CHECK(e.standard_error == Approx(std::sqrt(5.0 / 12) / 1.5).epsilon(tolerance));
  }
}

TEST_CASE("effective sample size and evidence of log-normal weights", "[inference]") {
  const std::size_t n = 200000;
  const auto w = log_normal<double>(n, -3, 0.5);
  CHECK(effective_sample_size(w) / n == Approx(std::exp(-0.25)).epsilon(0.01));
  const auto e = log_evidence(w);
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
    const auto e = log_evidence(w);
    inside += std::abs(e.value - 0.245) < 2 * e.standard_error;
  }
  CHECK(inside > 920); // 954 expected
  CHECK(inside < 980);
}

TEST_CASE("diagnostics: equal weights, no weights, weights that are none", "[inference]") {
  const std::vector<double> equal(1000, -7.0), zeros(1000, -inf), one{2.0}, none;
  CHECK(effective_sample_size(equal) == Approx(1000));
  CHECK(log_evidence(equal).value == Approx(-7));
  CHECK(log_evidence(equal).standard_error == 0);
  CHECK(pareto_k(equal) == -inf);
  CHECK(effective_sample_size(zeros) == 0);
  CHECK(log_evidence(zeros).value == -inf);
  CHECK(std::isnan(log_evidence(zeros).standard_error));
  CHECK(pareto_k(zeros) == inf);
  CHECK(effective_sample_size(one) == 1);
  CHECK(std::isnan(log_evidence(one).standard_error));
  CHECK(pareto_k(one) == inf);
  CHECK_THROWS_WITH(effective_sample_size(none), Contains("expected log weights, got none"));
  for (const double bad : {not_a_number, inf}) {
    std::vector<double> w(100, 0.0);
    w[17] = bad;
    CHECK_THROWS_WITH(effective_sample_size(w), Contains("in place 17"));
    CHECK_THROWS_WITH(log_evidence(w), Contains("in place 17"));
    CHECK_THROWS_WITH(pareto_k(w), Contains("in place 17"));
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

// Numbers with 17 digits below: the formulas of Zhang and Stephens and of Vehtari et al. in mpmath
// with 60 digits, theta = 0 by its limit, of the weights as they stand here in double.
TEST_CASE("pareto_shape: ties, of which the likelihood has a limit", "[inference]") {
  struct tied {
    std::size_t n;
    double k;
  };
  // Grids of 40 and 56 points (100 to 120 and 676 to 728 excesses) meet theta = 0.
  for (const auto& [n, k] :
       {tied{5, -5.9090560223723078}, tied{99, -6.1387959453397031}, tied{100, -6.1643569617936985},
        tied{110, -6.1643569617936985}, tied{120, -6.1643569617936985},
        tied{676, -6.5035343516915124}, tied{700, -6.5035343516915124}})
    for (const double unit : {1.0, 0.5, 0.3, 1e-320, 1e-160, 1e300}) {
      CAPTURE(n, unit);
      CHECK(pareto_shape(std::vector<double>(n, unit)) == Approx(k).epsilon(1e-12));
    }
  std::vector<double> ten{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  CHECK(pareto_shape(ten) == Approx(-0.78725777451738979).epsilon(1e-12));
  for (double& x : ten) x *= 1e-308; // some subnormal
  CHECK(pareto_shape(ten) == Approx(-0.78725777451738979).epsilon(1e-12));
}

TEMPLATE_TEST_CASE("pareto_k: weights that are equal", "[inference]", float, double) {
  using T = TestType;
  for (const double unit : {0.0, -400.0, 300.0}) {
    std::vector<T> w(1200, static_cast<T>(std::log(0.5) + unit));
    std::fill_n(w.begin() + 700, 100, static_cast<T>(unit));
    // 100 excesses of 104 above the threshold, all equal.
    CHECK(pareto_k(w) == Approx(-5.5585063289033623).epsilon(1e-12));
  }
}

TEST_CASE("pareto_k: the value itself, and how many weights are the largest", "[inference]") {
  const auto quantiles = [](std::size_t n, double k) {
    std::vector<double> w(n);
    for (std::size_t i = 0; i < n; ++i)
      w[i] = -k * std::log1p(-(static_cast<double>(i) + 0.5) / static_cast<double>(n));
    return w;
  };
  // min(n / 5, 3 sqrt(n)) is 94.9, 20.6, exactly 7, 7.2: 95, 21, 7 and 8 weights.
  CHECK(pareto_k(quantiles(1001, 0.8)) == Approx(0.75745983271600561).epsilon(1e-11));
  CHECK(pareto_k(quantiles(1001, 0.3)) == Approx(0.32356064382605887).epsilon(1e-11));
  CHECK(pareto_k(quantiles(103, 0.8)) == Approx(0.67307062974185521).epsilon(1e-11));
  CHECK(pareto_k(quantiles(35, 0.8)) == Approx(0.55648374748312722).epsilon(1e-11));
  CHECK(pareto_k(quantiles(36, 0.8)) == Approx(0.58635520011106007).epsilon(1e-11));

  std::vector<double> truncated = quantiles(1001, 0.8);
  for (double& w : truncated) w = std::min(w, 2.0);
  CHECK(pareto_k(truncated) == Approx(-4.8684645516320117).epsilon(1e-11));

  // The 95 largest weights span a factor e^1300: none is lost beside the largest.
  std::vector<double> steep = quantiles(1000, 1.0);
  for (double& w : steep) w *= 300;
  CHECK(pareto_k(steep) == Approx(204.00131406303339).epsilon(1e-11));

  // Fewer than five above a threshold that the others equal.
  std::vector<double> four(1000, 0.0);
  std::fill_n(four.begin(), 4, 1.0);
  CHECK(pareto_k(four) == inf);
}

TEMPLATE_TEST_CASE("diagnostics of weights far from 1, and of weights that are 0", "[inference]",
                   float, double) {
  using T = TestType;
  // e^-400, whose square no double holds, is a likelihood of a few hundred observations.
  const std::vector<T> near = log_normal<T>(1000, 0, 0.5);
  const double effective = effective_sample_size(near), shape = pareto_k(near);
  const auto evidence = log_evidence(near);
  const double rounding = std::numeric_limits<T>::epsilon();
  for (const double unit : {-16384.0, -400.0, 370.0, 16384.0}) {
    CAPTURE(unit);
    std::vector<T> w = near;
    for (T& v : w) v = static_cast<T>(v + unit);
    const double tolerance = 8 * std::abs(unit) * rounding + 1e-13;
    CHECK(effective_sample_size(w) == Approx(effective).epsilon(tolerance));
    CHECK(log_evidence(w).value - unit == Approx(evidence.value).margin(tolerance));
    CHECK(log_evidence(w).standard_error == Approx(evidence.standard_error).epsilon(tolerance));
    CHECK(pareto_k(w) == Approx(shape).margin(tolerance));
  }
  // One weight beside which the square of another underflows.
  const T far = static_cast<T>(-370);
  CHECK(effective_sample_size(std::vector<T>{0, far}) == Approx(1));
  CHECK(log_evidence(std::vector<T>{0, far}).standard_error == Approx(1)); // of weights 1 and 0
  // Extremes of the type: their difference overflows.
  const T huge = std::numeric_limits<T>::max();
  CHECK(effective_sample_size(std::vector<T>{huge, -huge, huge}) == Approx(2));
  CHECK(log_evidence(std::vector<T>{huge, -huge, huge}).value == Approx(double(huge)));

  // Samples of weight 0 are samples: they lower the mean, and outweigh nobody.
  std::vector<T> more = near;
  more.insert(more.begin() + 300, 1000, static_cast<T>(-inf));
  CHECK(effective_sample_size(more) == effective);
  CHECK(log_evidence(more).value == Approx(evidence.value - std::log(2.0)).epsilon(1e-12));
  // Relative variance 2 (1 + v) - 1 of twice as many samples.
  const double v = 1000.0 / effective - 1;
  CHECK(log_evidence(more).standard_error ==
        Approx(std::sqrt((2 * (1 + v) - 1) / 1999)).epsilon(1e-12));
  CHECK(std::isfinite(pareto_k(more)));
}

TEST_CASE("log_evidence: weights that are nearly equal", "[inference]") {
  std::vector<double> w;
  for (int i = 0; i < 10; ++i) w.push_back(1e-9 * i);
  // mpmath, 60 digits; mean(w^2) - mean(w)^2 in double is 0, or anything near 1e-16.
  CHECK(log_evidence(w).standard_error == Approx(9.5742710775633821e-10).epsilon(1e-6));
}

namespace {
template <class Range> void check_range(const Range& w) {
  CHECK(effective_sample_size(w) == Approx(36.0 / 14).epsilon(1e-6));
  CHECK(log_evidence(w).value == Approx(std::log(1.5)).epsilon(1e-6));
  CHECK(pareto_k(w) == inf);
}
} // namespace

TEMPLATE_TEST_CASE("diagnostics take any contiguous range", "[inference]", float, double) {
  using T = TestType;
  std::vector<T> w;
  for (const double v : {1.0, 2.0, 3.0}) w.push_back(static_cast<T>(std::log(v)));
  w.push_back(static_cast<T>(-inf));
  check_range(w);
  check_range(std::span<T>(w));
  check_range(std::span<const T>(w));
  check_range(std::span<T, 4>(w.data(), 4));
  check_range(std::array<T, 4>{w[0], w[1], w[2], w[3]});
  const T plain[] = {w[0], w[1], w[2], w[3]};
  check_range(plain);

  xt::xtensor<T, 1> tensor = xt::zeros<T>({4});
  std::copy(w.begin(), w.end(), tensor.begin());
  check_range(tensor);
  check_range(xt::eval(tensor + xt::zeros<T>({4})));
  check_range(xt::adapt(w));
  check_range(xt::xarray<T>(tensor));
  xt::xtensor<T, 2> rows = xt::zeros<T>({2, 4});
  std::copy(w.begin(), w.end(), rows.begin() + 4);
  check_range(xt::view(rows, 1, xt::all()));

  static_assert(!detail::contiguous_numbers<decltype(tensor + tensor)>);
  static_assert(!detail::contiguous_numbers<decltype(xt::view(rows, xt::all(), 1))>);
  static_assert(!detail::contiguous_numbers<decltype(xt::view(tensor, xt::range(0, 4, 2)))>);
  static_assert(!detail::contiguous_numbers<std::vector<int>>);

  std::vector<T> excesses{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  CHECK(pareto_shape(std::span<T>(excesses)) == Approx(-0.78725777451738979).epsilon(1e-12));
}

TEST_CASE("pareto_k tells proposals that cover from those that do not", "[inference]") {
  // q exponential with rate 1, p with rate b: w = b exp((1 - b) z) has Pareto tails, k = 1 - b.
  const std::size_t n = 100000;
  for (const double b : {0.2, 0.5, 0.7}) {
    std::mt19937 generator(9);
    std::exponential_distribution<double> z;
    std::vector<double> w(n);
    for (double& v : w) v = std::log(b) + (1 - b) * z(generator);
    CHECK(pareto_k(w) == Approx(1 - b).margin(0.12));
    for (double& v : w) v -= 2000; // no range matters
    CHECK(pareto_k(w) == Approx(1 - b).margin(0.12));
  }
  CHECK(pareto_k(log_normal<float>(10000, 0, 0.1)) < 0.3);
}

/// \file
/// Radial words: the formula, gradients through samples, bits, the centre itself, extreme
/// parameters.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "../flow/check.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("radial of one variable", "[bijectors]") { check_expression(normal<1> | radial); }
TEST_CASE("radial of two variables, three layers", "[bijectors]") {
  check_expression(normal<2> | radial | radial | flip | radial, {.perturbation = 1});
}
TEST_CASE("radial of more variables than registers", "[bijectors]") {
  check_double(normal<19> | radial | flip | radial);
}

TEST_CASE("radial: the formula of the paper", "[bijectors]") {
  constexpr std::size_t D = 3;
  auto f = make_subject<double>(normal<D> | radial, 1);
  const double* x0 = f.parameters.data();
  const double alpha = std::log1p(std::exp(x0[D]));
  const double beta = std::log1p(std::exp(x0[D + 1])) - alpha;
  const auto x = f.noise(9, 1);
  const auto y = f.forward(x, {});
  for (std::size_t i = 0; i < 9; ++i) {
    double r = 0;
    for (std::size_t d = 0; d < D; ++d) r = std::hypot(r, x[i * D + d] - x0[d]);
    const double h = 1 / (alpha + r);
    for (std::size_t d = 0; d < D; ++d) {
      const double v = x[i * D + d];
      CHECK(near(y.values[i * D + d], v + beta * h * (v - x0[d]), 1e-13));
    }
    const double exact = 2 * std::log1p(beta * h) + std::log1p(beta * h - beta * h * h * r);
    CHECK(near(y.log_det[i], exact, 1e-13));
  }
}

TEMPLATE_TEST_CASE("radial: finite at its centre, far away and at extreme parameters",
                   "[bijectors]", float, double) {
  using T = TestType;
  auto f = make_subject<T>(normal<2> | radial);
  const std::vector<T> x{0.5, -2, 1, -1, T(1e4), T(1e4), T(-1e15), 3};
  for (const T alpha : {T(-40), T(0), T(300)})
    for (const T beta : {T(-40), T(0), T(300)}) {
      CAPTURE(alpha, beta);
      const std::vector<T> theta{T(0.5), -2, alpha, beta};
      std::copy(theta.begin(), theta.end(), f.parameters.begin());
      const auto y = f.forward(x, {});
      CHECK(y.values[0] == T(0.5));
      CHECK(y.values[1] == T(-2));
      for (const T v : y.log_det) CHECK(std::isfinite(v));
      const auto g = f.sample_gradient(x, {}, {1, 1, 1, 1});
      for (const T v : g.by_inputs) CHECK(std::isfinite(v));
      for (const T v : g.by_parameters) CHECK(std::isfinite(v));
    }
}

// Far apart, alpha and beta leave a root whose larger half cancels: its digits come from long
// double.
TEMPLATE_TEST_CASE("radial: the inverse near the centre of a strong expansion", "[bijectors]",
                   float, double) {
  using T = TestType;
  auto f = make_subject<T>(normal<2> | radial);
  const std::vector<T> theta{0, 0, -16, 5};
  std::copy(theta.begin(), theta.end(), f.parameters.begin());
  const long double alpha = std::log1p(std::exp(-16.0L)), least = std::log1p(std::exp(5.0L));
  const std::vector<T> y{T(0.125), 0, 0, 1, -4, 0};
  const auto x = f.inverse(y, {});
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    const long double distance = std::abs(static_cast<long double>(y[2 * i] + y[2 * i + 1]));
    const long double gap = least - distance; // > 0
    const long double r =
        2 * alpha * distance / (gap + std::sqrt(gap * gap + 4 * alpha * distance));
    const long double near_centre = alpha + r, h = 1 / near_centre, beta = least - alpha;
    const long double log_det = -std::log((least + r) * h) - std::log1p(alpha * beta * h * h);
    constexpr double eps = 20 * static_cast<double>(std::numeric_limits<T>::epsilon());
    for (std::size_t d = 0; d < 2; ++d) {
      const auto right = static_cast<double>(y[2 * i + d] * near_centre / (least + r));
      CHECK(std::abs(static_cast<double>(x.values[2 * i + d]) - right) <= eps * std::abs(right));
    }
    CHECK(near(static_cast<double>(x.log_det[i]), static_cast<double>(log_det),
               eps * std::abs(static_cast<double>(log_det))));
  }
}

TEST_CASE("radial: a NaN stays in its sample", "[bijectors]") {
  check_nan_stays(make_subject<double>(normal<3> | radial | radial));
}

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

TEST_CASE("radial: a NaN stays in its sample", "[bijectors]") {
  check_nan_stays(make_subject<double>(normal<3> | radial | radial));
}

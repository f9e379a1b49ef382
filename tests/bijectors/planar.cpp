/// \file
/// Planar words: the formula, the constraint that keeps them one to one, gradients, bits, extreme
/// parameters and inputs. Their inverses: solved_inverses.cpp.

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "../flow/check.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("planar of one variable", "[bijectors]") { check_expression(normal<1> | planar); }
TEST_CASE("planar of two variables, three layers", "[bijectors]") {
  check_expression(normal<2> | planar | planar | planar, {.perturbation = 1});
}
TEST_CASE("planar of more variables than registers", "[bijectors]") {
  check_double(normal<19> | planar | flip | planar);
}

TEST_CASE("planar: the formula of the paper", "[bijectors]") {
  constexpr std::size_t D = 3;
  auto f = make_subject<double>(normal<D> | planar, 1);
  const double* u = f.parameters.data();
  const double *w = u + D, b = u[2 * D];
  double a = 0, norm = 0;
  for (std::size_t d = 0; d < D; ++d) {
    a += u[d] * w[d];
    norm += w[d] * w[d];
  }
  const auto x = f.noise(9, 1);
  const auto y = f.forward(x, {});
  for (std::size_t i = 0; i < 9; ++i) {
    double z = b, stretch = 0;
    for (std::size_t d = 0; d < D; ++d) z += w[d] * x[i * D + d];
    for (std::size_t d = 0; d < D; ++d) {
      const double u_hat = u[d] + (std::log1p(std::exp(a)) - 1 - a) * w[d] / norm;
      stretch += u_hat * w[d];
      CHECK(near(y.values[i * D + d], x[i * D + d] + u_hat * std::tanh(z), 1e-13));
    }
    const double slope = 1 - std::tanh(z) * std::tanh(z);
    CHECK(near(y.log_det[i], std::log(1 + slope * stretch), 1e-13));
  }
}

TEMPLATE_TEST_CASE("planar: finite at extreme parameters and inputs", "[bijectors]", float,
                   double) {
  using T = TestType;
  auto f = make_subject<T>(normal<2> | planar);
  const std::vector<T> x{0, 0, 1, -1, T(1e4), T(1e4), T(-1e18), 3};
  // u.w from -40 to 400: at the lower end the map nearly folds, 1 + w.u^ = softplus(-40).
  for (const T along : {T(-40), T(0), T(400)}) {
    CAPTURE(along);
    const std::vector<T> theta{along, 0, 1, 0, 0};
    std::copy(theta.begin(), theta.end(), f.parameters.begin());
    const auto y = f.forward(x, {});
    for (const T v : y.log_det) CHECK(std::isfinite(v));
    const double exact = std::log(std::log1p(std::exp(static_cast<double>(-std::abs(along)))));
    if (along < 0) CHECK(near(static_cast<double>(y.log_det[0]), exact, 1e-5 * std::abs(exact)));
    const auto g = f.sample_gradient(x, {}, {1, 1, 1, 1});
    for (const T v : g.by_parameters) CHECK(std::isfinite(v));
  }
}

TEST_CASE("planar without a direction is a shift", "[bijectors]") {
  auto f = make_subject<double>(normal<2> | planar);
  const std::vector<double> theta{0.5, -2, 0, 0, 0.7};
  std::copy(theta.begin(), theta.end(), f.parameters.begin());
  const auto y = f.forward({1, 2}, {});
  CHECK(near(y.values[0], 1 + 0.5 * std::tanh(0.7), 1e-15));
  CHECK(near(y.values[1], 2 - 2 * std::tanh(0.7), 1e-15));
  CHECK(std::abs(y.log_det[0]) < 1e-15);
  // By u the gradient is a shift's; by w there is none, and what is given in its place is finite.
  const auto g = f.sample_gradient({1, 2}, {}, {1});
  for (std::size_t d = 0; d < 2; ++d) {
    const double shifted = y.values[d] + static_cast<double>(d);
    CHECK(near(g.by_parameters[d], std::cos(shifted) * std::tanh(0.7), 1e-14));
  }
  for (const double v : g.by_parameters) CHECK(std::isfinite(v));
}

TEST_CASE("planar: a NaN stays in its sample", "[bijectors]") {
  check_nan_stays(make_subject<double>(normal<3> | planar | planar));
}

TEST_CASE("planar: parameters have Pyro's names", "[bijectors]") {
  const auto q = make_flow<double>(normal<3> | planar);
  const auto set = named_parameters(q);
  REQUIRE(set.values.size() == 3);
  CHECK(set.values[0].name == "layers.0.u");
  CHECK(set.values[1].name == "layers.0.w");
  CHECK(set.values[2].name == "layers.0.bias");
  CHECK(q.num_parameters() == 7);
  auto other = make_flow<double>(normal<3> | planar, 77);
  set_named_parameters(other, set);
  CHECK(std::equal(q.parameters().begin(), q.parameters().end(), other.parameters().begin()));
}

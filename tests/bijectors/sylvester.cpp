/// \file
/// Sylvester words: the formula, gradients through samples, bits, the constraint on the diagonals,
/// extreme parameters and inputs, names.

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "../flow/check.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("sylvester of one variable", "[bijectors]") { check_expression(normal<1> | sylvester); }
TEST_CASE("sylvester of three variables, two layers, permuted", "[bijectors]") {
  check_expression(normal<3> | flip | sylvester | flip | sylvester.reflections<1>(),
                   {.perturbation = 0.7F});
}
TEST_CASE("sylvester of more variables than registers", "[bijectors]") {
  check_double(normal<19> | sylvester.reflections<2>());
}

TEST_CASE("sylvester: exact at any scale of its matrices", "[bijectors]") {
  for (const float scale : {0.1F, 1.0F, 3.0F}) {
    CAPTURE(scale);
    const auto f = make_subject<double>(normal<4> | sylvester, scale);
    check_log_det(f, f.noise(20, 3), {}, 1e-6);
  }
}

TEST_CASE("sylvester of one variable: a ridge", "[bijectors]") {
  auto f = make_subject<double>(normal<1> | sylvester);
  const double a = 0.8, c = -1.1, b = 0.3; // R_diag, S_diag, b; one reflection turns the sign twice
  const std::vector<double> theta{0, 0, a, c, b, 2};
  std::copy(theta.begin(), theta.end(), f.parameters.begin());
  const double r = std::tanh(a), s = std::tanh(c);
  for (const double x : {-3.0, -0.2, 0.0, 1.7}) {
    const double t = std::tanh(b - s * x);
    const auto y = f.forward({x}, {});
    CHECK(near(y.values[0], x - r * t, 1e-15));
    CHECK(near(y.log_det[0], std::log1p((1 - t * t) * r * s), 1e-15));
  }
}

TEMPLATE_TEST_CASE("sylvester: finite at extreme parameters and inputs", "[bijectors]", float,
                   double) {
  using T = TestType;
  auto f = make_subject<T>(normal<1> | sylvester);
  const std::vector<T> x{0, 1, T(-1e4), T(1e18)};
  // Opposite diagonals of magnitude a: where the tanh rises the map nearly folds,
  // 1 + r s = 1 / cosh^2(a).
  for (const T a : {T(0), T(1), T(12), T(40)}) {
    CAPTURE(a);
    const std::vector<T> theta{0, 0, a, -a, 0, 1};
    std::copy(theta.begin(), theta.end(), f.parameters.begin());
    const auto y = f.forward(x, {});
    for (const T v : y.log_det) CHECK(std::isfinite(v));
    const double exact = -2 * std::log(std::cosh(static_cast<double>(a)));
    CHECK(near(static_cast<double>(y.log_det[0]), exact, 1e-6 * std::max(1.0, std::abs(exact))));
    const auto g = f.sample_gradient(x, {}, {1, 1, 1, 1});
    for (const T v : g.by_inputs) CHECK(std::isfinite(v));
    for (const T v : g.by_parameters) CHECK(std::isfinite(v));
  }
}

TEST_CASE("sylvester without reflections has triangular matrices", "[bijectors]") {
  auto f = make_subject<double>(normal<2> | sylvester);
  //                             R_dense     S_dense     R_diag     S_diag      b         u
  const std::vector<double> theta{0, 0.5, 0, 0, 0, -2, 0, 0, 0.4, -0.3, 1, 0.2, 0.1, 0, 0, 0, 0, 0};
  std::copy(theta.begin(), theta.end(), f.parameters.begin());
  const auto y = f.forward({1, 2}, {});
  const double first = std::tanh(0.1 + std::tanh(1.0) - 2 * 2.0);
  const double second = std::tanh(std::tanh(0.2) * 2);
  CHECK(near(y.values[0], 1 + std::tanh(0.4) * first + 0.5 * second, 1e-14));
  CHECK(near(y.values[1], 2 + std::tanh(-0.3) * second, 1e-14));
}

TEST_CASE("sylvester: a NaN stays in its sample", "[bijectors]") {
  check_nan_stays(make_subject<double>(normal<3> | sylvester | sylvester));
}

TEST_CASE("sylvester: parameters have Pyro's names", "[bijectors]") {
  const auto q = make_flow<double>(normal<3> | sylvester);
  const auto set = named_parameters(q);
  const std::vector<std::string> names{"R_dense", "S_dense", "R_diag", "S_diag", "b", "u_unnormed"};
  REQUIRE(set.values.size() == names.size());
  for (std::size_t i = 0; i < names.size(); ++i)
    CHECK(set.values[i].name == "layers.0." + names[i]);
  CHECK(q.num_parameters() == 3 + 3 + 3 * 3 + 2 * 3);
  auto other = make_flow<double>(normal<3> | sylvester, 77);
  set_named_parameters(other, set);
  CHECK(std::equal(q.parameters().begin(), q.parameters().end(), other.parameters().begin()));
}

TEST_CASE("sylvester: text and number of reflections", "[bijectors]") {
  CHECK(make_flow<float>(normal<5> | sylvester).text() == "normal<5> | sylvester");
  const auto q = make_flow<float>(normal<5> | sylvester.reflections<2>());
  CHECK(q.text() == "normal<5> | sylvester.reflections<2>()");
  CHECK(q.num_parameters() == 10 + 10 + 3 * 5 + 2 * 5);
  // Pyro's default is D // 2 + 1 of them, for even and odd D.
  CHECK(make_flow<float>(normal<1> | sylvester).num_parameters() == 3 + 1);
  CHECK(make_flow<float>(normal<4> | sylvester).num_parameters() == 6 + 6 + 3 * 4 + 3 * 4);
  CHECK(make_flow<float>(normal<5> | sylvester).num_parameters() == 10 + 10 + 3 * 5 + 3 * 5);
}

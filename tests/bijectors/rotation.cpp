/// \file
/// Rotations: values against exponentials in long double, lengths, log-det 0, gradients both ways,
/// bits, large angles, names.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "../flow/check.hpp"
#include "../support/long_exponential.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("rotation of one variable is the identity", "[bijectors]") {
  const auto q = make_flow<double>(normal<1> | rotation);
  CHECK(q.num_parameters() == 0);
  const xt::xtensor<double, 2> x{{1.75}, {-3}};
  CHECK(bool(q.forward(x).y == x));
}
TEST_CASE("rotation of two variables", "[bijectors]") {
  check_expression(normal<2> | affine | rotation | affine);
}
TEST_CASE("rotation of four variables, permuted, turned round", "[bijectors]") {
  check_expression(normal<4> | affine | rotation | flip | affine | inverse(rotation));
}
TEST_CASE("rotation between words that read a context", "[bijectors]") {
  check_double(normal<3> | given<2> | flip | rotation | iaf<5>);
}
TEST_CASE("rotation of more variables than registers", "[bijectors]") {
  check_double(normal<19> | affine | rotation | affine);
}

namespace {

/// Values of n samples both ways against a matrix of long doubles.
template <class T, int D> void check_formula() {
  CAPTURE(D);
  constexpr auto size = static_cast<std::size_t>(D);
  constexpr std::size_t n = 5;
  const auto f = make_subject<T, wants::evaluation>(normal<D> | rotation, 0.7F);
  long_matrix turned(size * size);
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t j = 0; j < i; ++j) {
      turned[i * size + j] = f.parameters[i * size + j];
      turned[j * size + i] = -turned[i * size + j];
    }
  const double rounding = 8 * (1 + static_cast<double>(norm_of_rows(turned, size))) *
                          static_cast<double>(std::numeric_limits<T>::epsilon());
  const long_matrix r = long_exponential(turned, size);
  const auto x = f.noise(n, 1);
  const auto y = f.forward(x, {});
  const auto back = f.inverse(y.values, {});
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t d = 0; d < size; ++d) {
      long double sum = 0, magnitude = 1;
      for (std::size_t j = 0; j < size; ++j) {
        const long double term = r[d * size + j] * static_cast<long double>(x[i * size + j]);
        sum += term;
        magnitude += std::abs(term);
      }
      const double allowed = rounding * static_cast<double>(magnitude);
      CHECK(near(static_cast<double>(y.values[i * size + d]), static_cast<double>(sum), allowed));
      CHECK(near(static_cast<double>(back.values[i * size + d]),
                 static_cast<double>(x[i * size + d]), 4 * allowed));
      CHECK(y.log_det[i] == 0);
      CHECK(back.log_det[i] == 0);
    }
}

} // namespace

TEMPLATE_TEST_CASE("rotation: the formula", "[bijectors]", float, double) {
  check_formula<TestType, 2>();
  check_formula<TestType, 5>();
  check_formula<TestType, 12>();
}

TEST_CASE("rotation: one number turns a plane by its angle", "[bijectors]") {
  auto f = make_subject<double>(normal<3> | rotation);
  std::fill(f.parameters.begin(), f.parameters.end(), 0.0);
  const double angle = 0.7;
  f.parameters[2 * 3 + 0] = angle; // A_20: variables 0 and 2
  const auto y = f.forward({1, 5, 0}, {});
  CHECK(near(y.values[0], std::cos(angle), 1e-15));
  CHECK(y.values[1] == 5);
  CHECK(near(y.values[2], std::sin(angle), 1e-15));
}

TEMPLATE_TEST_CASE("rotation: finite at any angle, orthogonal while it is known", "[bijectors]",
                   float, double) {
  using T = TestType;
  auto f = make_subject<T>(normal<2> | rotation);
  for (const T angle : {T(100), T(1e4), T(1e8), T(1e30)}) {
    CAPTURE(angle);
    f.parameters[2] = angle;
    const std::vector<T> x{1, T(0.5), T(1e4), T(-1e18)};
    const auto y = f.forward(x, {}), back = f.inverse(x, {});
    for (const T v : y.values) CHECK(std::isfinite(v));
    for (const T v : back.values) CHECK(std::isfinite(v));
    const double error =
        static_cast<double>(angle) * 16 * static_cast<double>(std::numeric_limits<T>::epsilon());
    if (error < 1)
      CHECK(near(std::hypot(static_cast<double>(y.values[0]), static_cast<double>(y.values[1])),
                 std::hypot(1.0, 0.5), error));
  }
}

TEST_CASE("rotation: a NaN or an infinity stays in its sample", "[bijectors]") {
  check_isolation(make_subject<float>(normal<3> | rotation | flip | rotation));
}

TEST_CASE("rotation: names, and numbers below the diagonal alone", "[bijectors]") {
  auto q = make_flow<float>(normal<3> | rotation);
  CHECK(q.num_parameters() == 3);
  q.set_parameters(std::vector<float>(q.parameters().size(), 1.0F));
  const auto set = named_parameters(q);
  REQUIRE(set.values.size() == 1);
  CHECK(set.values[0].name == "layers.0.A");
  CHECK(set.values[0].values == std::vector<float>{0, 0, 0, 1, 0, 0, 1, 1, 0});
}

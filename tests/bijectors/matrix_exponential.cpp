/// \file
/// Exponentials of matrices as words: values against long double, an exact inverse, the trace as
/// log-det, gradients both ways, bits, large matrices, names.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "../flow/check.hpp"
#include "../support/long_exponential.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("matrix_exponential of one variable is a scale", "[bijectors]") {
  auto f = check_double(normal<1> | matrix_exponential);
  f.parameters[0] = 0.7;
  const auto y = f.forward({3}, {});
  CHECK(near(y.values[0], 3 * std::exp(0.7), 1e-14));
  CHECK(y.log_det[0] == 0.7);
}
TEST_CASE("matrix_exponential of four variables, permuted, turned round", "[bijectors]") {
  check_expression(normal<4> | matrix_exponential | flip | affine | inverse(matrix_exponential));
}
TEST_CASE("matrix_exponential of a matrix that is squared often", "[bijectors]") {
  check_expression(normal<3> | matrix_exponential, {.perturbation = 2.0F});
}
TEST_CASE("matrix_exponential between words that read a context", "[bijectors]") {
  check_double(normal<3> | given<2> | flip | inverse(matrix_exponential) | iaf<5>);
}
TEST_CASE("matrix_exponential of more variables than registers", "[bijectors]") {
  check_double(normal<19> | matrix_exponential, {.perturbation = 0.05F});
}

namespace {

/// Values of n samples both ways against matrices of long doubles; deviation: of the entries.
template <class T, int D> void check_formula(float deviation) {
  CAPTURE(D, deviation);
  constexpr auto size = static_cast<std::size_t>(D);
  constexpr std::size_t n = 5;
  const auto f = make_subject<T, wants::evaluation>(normal<D> | matrix_exponential, deviation);
  long_matrix m(size * size), opposite(size * size);
  long double trace = 0;
  for (std::size_t k = 0; k < size * size; ++k) {
    m[k] = f.parameters[k];
    opposite[k] = -m[k];
  }
  for (std::size_t d = 0; d < size; ++d) trace += m[d * (size + 1)];
  const double rounding = 8 * (D + static_cast<double>(norm_of_rows(m, size))) *
                          static_cast<double>(std::numeric_limits<T>::epsilon());
  const auto x = f.noise(n, 1);
  const auto check = [&](const long_matrix& matrix, const auto& to, long double log_det) {
    const auto norm = static_cast<double>(norm_of_rows(matrix, size));
    for (std::size_t i = 0; i < n; ++i) {
      long double far = 1;
      for (std::size_t j = 0; j < size; ++j)
        far = std::fmax(far, std::abs(static_cast<long double>(x[i * size + j])));
      for (std::size_t d = 0; d < size; ++d) {
        long double sum = 0;
        for (std::size_t j = 0; j < size; ++j)
          sum += matrix[d * size + j] * static_cast<long double>(x[i * size + j]);
        CHECK(near(static_cast<double>(to.values[i * size + d]), static_cast<double>(sum),
                   rounding * norm * static_cast<double>(far)));
      }
      CHECK(near(static_cast<double>(to.log_det[i]), static_cast<double>(log_det), rounding));
    }
  };
  check(long_exponential(m, size), f.forward(x, {}), trace);
  check(long_exponential(opposite, size), f.inverse(x, {}), -trace);
}

} // namespace

TEMPLATE_TEST_CASE("matrix_exponential: the formula, both ways", "[bijectors]", float, double) {
  for (const float deviation : {0.01F, 0.5F, 2.0F}) {
    check_formula<TestType, 1>(deviation);
    check_formula<TestType, 2>(deviation);
    check_formula<TestType, 5>(deviation);
    check_formula<TestType, 12>(deviation);
  }
}

TEMPLATE_TEST_CASE("matrix_exponential: finite however large its matrix", "[bijectors]", float,
                   double) {
  using T = TestType;
  auto f = make_subject<T>(normal<2> | matrix_exponential);
  const std::vector<T> x{0, 1, T(0.5), T(-1e4), T(1e18), T(-1e18)};
  for (const T far : {T(50), T(1e3), T(1e8), T(1e30)}) {
    CAPTURE(far);
    const std::vector<T> theta{far, -far, far, -far / 2};
    std::copy(theta.begin(), theta.end(), f.parameters.begin());
    for (const auto& to : {f.forward(x, {}), f.inverse(x, {})})
      for (const T v : to.values) CHECK(std::isfinite(v));
    CHECK(is_close<T>(static_cast<double>(f.forward(x, {}).log_det[0]),
                      static_cast<double>(far / 2)));
    CHECK(is_close<T>(static_cast<double>(f.inverse(x, {}).log_det[0]),
                      -static_cast<double>(far / 2)));
  }
}

TEST_CASE("matrix_exponential: a NaN or an infinity stays in its sample", "[bijectors]") {
  check_isolation(make_subject<float>(normal<3> | matrix_exponential | flip | matrix_exponential));
}

TEST_CASE("matrix_exponential: names", "[bijectors]") {
  const auto q = make_flow<float>(normal<3> | matrix_exponential);
  CHECK(q.num_parameters() == 9);
  const auto set = named_parameters(q);
  REQUIRE(set.values.size() == 1);
  CHECK(set.values[0].name == "layers.0.weights");
}

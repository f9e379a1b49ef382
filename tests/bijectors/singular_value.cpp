/// \file
/// Words by singular values: the formula against a dense product, what they do to lengths, inverse,
/// gradients both ways, bits, extreme parameters, names.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "../flow/check.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("singular_value of one variable", "[bijectors]") {
  check_double(normal<1> | singular_value<1>);
}
TEST_CASE("singular_value of four variables, permuted", "[bijectors]") {
  check_expression(normal<4> | singular_value<2> | flip | singular_value<3>);
}
TEST_CASE("singular_value turned round", "[bijectors]") {
  check_double(normal<3> | given<2> | flip | inverse(singular_value<2>) | iaf<5>);
}
TEST_CASE("singular_value of more variables than registers", "[bijectors]") {
  check_double(normal<19> | singular_value<2>);
}

namespace {

/// U diag(s) V^T of long doubles, from parameters in their order: u, c, v, bias.
struct dense_map {
  std::size_t size, reflections;
  std::vector<long double> matrix, bias;
  long double log_det = 0;

  template <class Parameters>
  dense_map(std::size_t n, std::size_t k, const Parameters& p)
      : size(n), reflections(k), matrix(n * n), bias(n) {
    // Column j is what becomes of the j-th unit vector.
    for (std::size_t j = 0; j < n; ++j) {
      std::vector<long double> x(n);
      x[j] = 1;
      reflect(p, k * n + n, x);
      for (std::size_t d = 0; d < n; ++d) x[d] *= stretch(p, d);
      reflect(p, 0, x);
      for (std::size_t i = 0; i < n; ++i) matrix[i * n + j] = x[i];
    }
    for (std::size_t d = 0; d < n; ++d) {
      bias[d] = p[2 * k * n + n + d];
      log_det += std::log(stretch(p, d));
    }
  }
  template <class Parameters> long double stretch(const Parameters& p, std::size_t d) const {
    return std::log1p(std::exp(static_cast<long double>(p[reflections * size + d]))) + 0.001L;
  }
  template <class T> long double value(std::size_t i, const T* x) const {
    long double sum = bias[i];
    for (std::size_t j = 0; j < size; ++j)
      sum += matrix[i * size + j] * static_cast<long double>(x[j]);
    return sum;
  }

 private:
  template <class Parameters>
  void reflect(const Parameters& p, std::size_t first, std::vector<long double>& x) const {
    for (std::size_t k = 0; k < reflections; ++k) {
      long double square = 0, along = 0;
      for (std::size_t d = 0; d < size; ++d) {
        const long double one = p[first + k * size + d];
        square += one * one;
        along += one * x[d];
      }
      for (std::size_t d = 0; d < size; ++d)
        x[d] -= 2 * along / square * static_cast<long double>(p[first + k * size + d]);
    }
  }
};

/// Forward and inverse of n samples against the dense map.
template <class T, int D, int K> void check_formula() {
  CAPTURE(D, K);
  constexpr auto size = static_cast<std::size_t>(D);
  constexpr std::size_t n = 7;
  const auto f = make_subject<T, wants::evaluation>(normal<D> | singular_value<K>, 0.7F);
  const dense_map dense(size, static_cast<std::size_t>(K), f.parameters);
  const auto x = f.noise(n, 1);
  const auto y = f.forward(x, {});
  const auto back = f.inverse(y.values, {});
  const double rounding = 16 * (D + K) * static_cast<double>(std::numeric_limits<T>::epsilon());
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t d = 0; d < size; ++d) {
      // The samples that the inverse finds lead back to where it began.
      for (const T* const from : {&x[i * size], &back.values[i * size]}) {
        const auto expected = static_cast<double>(dense.value(d, from));
        CHECK(near(static_cast<double>(y.values[i * size + d]), expected, rounding));
      }
    }
    const auto log_det = static_cast<double>(dense.log_det);
    CHECK(near(static_cast<double>(y.log_det[i]), log_det, rounding));
    CHECK(near(static_cast<double>(back.log_det[i]), -log_det, rounding));
  }
}

} // namespace

TEMPLATE_TEST_CASE("singular_value: the formula", "[bijectors]", float, double) {
  check_formula<TestType, 1, 1>();
  check_formula<TestType, 2, 2>();
  check_formula<TestType, 5, 3>();
}

TEST_CASE("singular_value starts as an orthogonal map", "[bijectors]") {
  const auto q = make_flow<double>(normal<3> | singular_value<2>, 5);
  const xt::xtensor<double, 2> x{{1, -2, 3}};
  const auto y = q.forward(x);
  const double length = std::hypot(y.y(0, 0), y.y(0, 1), y.y(0, 2));
  CHECK(near(length, std::hypot(1.0, 2.0, 3.0), 1e-14));
  CHECK(near(y.log_det(0), 0, 1e-14));
  CHECK(std::abs(y.y(0, 0) - 1) > 1e-3);
}

TEMPLATE_TEST_CASE("singular_value: finite however small or large its singular values",
                   "[bijectors]", float, double) {
  using T = TestType;
  auto f = make_subject<T>(normal<2> | singular_value<1>);
  //                         u    c                 v     bias
  const std::vector<T> theta{1, 0, T(-1e4), T(1e4), 0, 1, 0, 1};
  std::copy(theta.begin(), theta.end(), f.parameters.begin());
  const std::vector<T> x{1, T(0.5)};
  const auto y = f.forward(x, {});
  CHECK(is_close<T>(static_cast<double>(y.values[0]), -0.001));
  CHECK(is_close<T>(static_cast<double>(y.values[1]), -0.5 * (1e4 + 0.001) + 1));
  const double log_det = std::log(0.001) + std::log(1e4 + 0.001);
  CHECK(is_close<T>(static_cast<double>(y.log_det[0]), log_det));
  const auto back = f.inverse(y.values, {});
  CHECK(is_close<T>(static_cast<double>(back.values[0]), 1));
  const auto g = f.log_prob_gradient(y.values, {}, {1}, 1);
  for (const T v : g.by_inputs) CHECK(std::isfinite(v));
  for (const T v : g.by_parameters) CHECK(std::isfinite(v));
}

TEST_CASE("singular_value: a NaN or an infinity stays in its sample", "[bijectors]") {
  check_isolation(make_subject<float>(normal<3> | singular_value<2> | flip | singular_value<1>));
}

TEST_CASE("singular_value: names", "[bijectors]") {
  auto q = make_flow<float>(normal<3> | singular_value<2>);
  CHECK(q.num_parameters() == 6 + 3 + 6 + 3);
  const auto set = named_parameters(q);
  const std::vector<std::string> names{"u_unnormed", "diagonal", "v_unnormed", "bias"};
  REQUIRE(set.values.size() == names.size());
  for (std::size_t i = 0; i < names.size(); ++i)
    CHECK(set.values[i].name == "layers.0." + names[i]);
  CHECK(set.values[0].values.size() == 6);
  auto other = make_flow<float>(normal<3> | singular_value<2>, 77);
  set_named_parameters(other, set);
  CHECK(std::equal(q.parameters().begin(), q.parameters().end(), other.parameters().begin()));
}

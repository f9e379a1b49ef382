/// \file
/// LU words: the formula against a dense product, inverse, gradients both ways, bits, behind
/// a permutation, extreme parameters, names.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "../flow/check.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("lu of one variable", "[bijectors]") { check_double(normal<1> | lu); }
TEST_CASE("lu of two variables", "[bijectors]") { check_expression(normal<2> | lu); }
TEST_CASE("lu of five variables, permuted", "[bijectors]") {
  check_expression(normal<5> | lu | flip | lu);
}
TEST_CASE("lu turned round", "[bijectors]") {
  check_double(normal<3> | given<2> | flip | inverse(lu) | iaf<5>);
}
TEST_CASE("lu of more variables than registers", "[bijectors]") {
  check_double(normal<19> | lu, {.perturbation = 0.1F});
}

namespace {

/// L U and b of long doubles, from parameters in their order: lower, upper, diagonal, bias.
struct dense_map {
  std::size_t size;
  std::vector<long double> lower, upper, bias;
  long double log_det = 0;

  template <class Parameters> dense_map(std::size_t n, const Parameters& p) : size(n) {
    lower.resize(n * n);
    upper.resize(n * n);
    bias.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        if (j < i) lower[i * n + j] = p[i * n + j];
        if (j > i) upper[i * n + j] = p[n * n + i * n + j];
      }
      lower[i * n + i] = 1;
      const long double c = p[2 * n * n + i];
      upper[i * n + i] = std::log1p(std::exp(c)) + 0.001L;
      bias[i] = p[2 * n * n + n + i];
      log_det += std::log(upper[i * n + i]);
    }
  }
  /// Variable i of L U x + b by the dense matrix; of magnitudes, where all terms count as positive.
  template <class T> long double value(std::size_t i, const T* x, bool of_magnitudes) const {
    const auto sized = [&](long double v) { return of_magnitudes ? std::abs(v) : v; };
    long double sum = sized(bias[i]);
    for (std::size_t j = 0; j < size; ++j) {
      long double entry = 0;
      for (std::size_t k = 0; k < size; ++k)
        entry += sized(lower[i * size + k]) * sized(upper[k * size + j]);
      sum += entry * sized(static_cast<long double>(x[j]));
    }
    return sum;
  }
};

/// Forward and inverse of n samples against the dense map.
template <class T, int D> void check_formula() {
  CAPTURE(D);
  constexpr auto size = static_cast<std::size_t>(D);
  constexpr std::size_t n = 7;
  const auto f = make_subject<T, wants::evaluation>(normal<D> | lu, 0.7F);
  const dense_map dense(size, f.parameters);
  const auto x = f.noise(n, 1);
  const auto y = f.forward(x, {});
  const auto back = f.inverse(y.values, {});
  const double rounding = 4 * (D + 1) * static_cast<double>(std::numeric_limits<T>::epsilon());
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t d = 0; d < size; ++d) {
      // The samples that the inverse finds lead back to where it began.
      for (const T* const from : {&x[i * size], &back.values[i * size]}) {
        const auto expected = static_cast<double>(dense.value(d, from, false));
        const auto magnitude = static_cast<double>(dense.value(d, from, true));
        CHECK(near(static_cast<double>(y.values[i * size + d]), expected, rounding * magnitude));
      }
    }
    const auto log_det = static_cast<double>(dense.log_det);
    CHECK(near(static_cast<double>(y.log_det[i]), log_det, rounding * D));
    CHECK(near(static_cast<double>(back.log_det[i]), -log_det, rounding * D));
  }
}

} // namespace

TEMPLATE_TEST_CASE("lu: the formula", "[bijectors]", float, double) {
  check_formula<TestType, 1>();
  check_formula<TestType, 2>();
  check_formula<TestType, 5>();
}

TEMPLATE_TEST_CASE("lu behind a permutation: the formula, and both turned round as in nflows",
                   "[bijectors]", float, double) {
  using T = TestType;
  constexpr std::size_t D = 4, n = 6;
  constexpr std::array order{2, 0, 3, 1};
  const auto f = make_subject<T, wants::evaluation>(normal<4> | permute(order) | lu, 0.7F);
  const auto plain = make_subject<T, wants::evaluation>(normal<4> | lu);
  const auto turned = make_subject<T, wants::evaluation>(normal<4> | inverse(permute(order) | lu));
  REQUIRE(f.parameters.size() == plain.parameters.size());
  std::copy(f.parameters.begin(), f.parameters.end(), plain.parameters.begin());
  std::copy(f.parameters.begin(), f.parameters.end(), turned.parameters.begin());
  const auto x = f.noise(n, 1);
  std::vector<T> permuted(n * D);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t d = 0; d < D; ++d)
      permuted[i * D + d] = x[i * D + static_cast<std::size_t>(order[d])];

  // y = L U x[order] + b, with the bits of lu on samples that were permuted before.
  const auto y = f.forward(x, {});
  const auto expected = plain.forward(permuted, {});
  CHECK(other_bits(y.values, expected.values) == agreed);
  CHECK(other_bits(y.log_det, expected.log_det) == agreed);
  const dense_map dense(D, f.parameters);
  const double rounding = 4 * (D + 1) * static_cast<double>(std::numeric_limits<T>::epsilon());
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t d = 0; d < D; ++d) {
      const auto value = static_cast<double>(dense.value(d, &permuted[i * D], false));
      const auto magnitude = static_cast<double>(dense.value(d, &permuted[i * D], true));
      CHECK(near(static_cast<double>(y.values[i * D + d]), value, rounding * magnitude));
    }
  // From data to noise, as in nflows, the same two are turned round together.
  CHECK(other_bits(turned.inverse(x, {}).values, y.values) == agreed);
  CHECK(other_bits(turned.forward(y.values, {}).values, f.inverse(y.values, {}).values) == agreed);
}

TEMPLATE_TEST_CASE("lu: finite however small or large its diagonal", "[bijectors]", float, double) {
  using T = TestType;
  auto f = make_subject<T>(normal<2> | lu);
  //                        lower       upper          diagonal       bias
  const std::vector<T> theta{0, 0, 2, 0, 0, -3, 0, 0, T(-1e4), T(1e4), 0, 1};
  std::copy(theta.begin(), theta.end(), f.parameters.begin());
  const std::vector<T> x{1, T(0.5)};
  const auto y = f.forward(x, {});
  const double first = 0.001 - 1.5, log_det = std::log(0.001) + std::log(1e4 + 0.001);
  CHECK(is_close<T>(static_cast<double>(y.values[0]), first));
  CHECK(is_close<T>(static_cast<double>(y.values[1]), 2 * first + 5e3 + 0.5e-3 + 1));
  CHECK(is_close<T>(static_cast<double>(y.log_det[0]), log_det));
  const auto g = f.log_prob_gradient(y.values, {}, {1}, 1);
  for (const T v : g.by_inputs) CHECK(std::isfinite(v));
  for (const T v : g.by_parameters) CHECK(std::isfinite(v));
}

TEST_CASE("lu: a NaN or an infinity stays in its sample", "[bijectors]") {
  check_isolation(make_subject<float>(normal<3> | lu | flip | lu));
}

TEST_CASE("lu starts as the identity", "[bijectors]") {
  const auto q = make_flow<double>(normal<3> | lu);
  const xt::xtensor<double, 2> x{{1, -2, 3}};
  const auto y = q.forward(x);
  for (std::size_t d = 0; d < 3; ++d) CHECK(near(y.y(0, d), x(0, d), 1e-14));
  CHECK(near(y.log_det(0), 0, 1e-14));
}

TEST_CASE("lu: names, and entries on one side of the diagonals", "[bijectors]") {
  auto q = make_flow<float>(normal<3> | lu);
  CHECK(q.num_parameters() == 3 + 3 + 3 + 3);
  q.set_parameters(std::vector<float>(q.parameters().size(), 1.0F));
  const auto set = named_parameters(q);
  const std::vector<std::string> names{"lower", "upper", "diagonal", "bias"};
  REQUIRE(set.values.size() == names.size());
  for (std::size_t i = 0; i < names.size(); ++i)
    CHECK(set.values[i].name == "layers.0." + names[i]);
  CHECK(set.values[0].values == std::vector<float>{0, 0, 0, 1, 0, 0, 1, 1, 0});
  CHECK(set.values[1].values == std::vector<float>{0, 1, 1, 0, 0, 1, 0, 0, 0});
  CHECK(set.values[2].values == std::vector<float>{1, 1, 1});
  CHECK(set.values[3].values == std::vector<float>{1, 1, 1});
  auto other = make_flow<float>(normal<3> | lu, 77);
  set_named_parameters(other, set);
  CHECK(std::equal(q.parameters().begin(), q.parameters().end(), other.parameters().begin()));
}

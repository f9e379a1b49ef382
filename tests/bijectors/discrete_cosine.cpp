/// \file
/// The discrete cosine word: values against sums of cosines in long double, lengths, gradients both
/// ways, bits.

#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <vector>

#include "../flow/check.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("discrete_cosine of one variable is the identity", "[bijectors]") {
  const auto q = make_flow<double>(normal<1> | discrete_cosine);
  CHECK(q.num_parameters() == 0);
  const xt::xtensor<double, 2> x{{1.75}, {-3}};
  CHECK(bool(q.forward(x).y == x));
}
TEST_CASE("discrete_cosine of four variables, permuted, turned round", "[bijectors]") {
  check_expression(normal<4> | affine | discrete_cosine | flip | affine | inverse(discrete_cosine));
}
TEST_CASE("discrete_cosine between words that read a context", "[bijectors]") {
  check_double(normal<3> | given<2> | flip | discrete_cosine | iaf<5>);
}
TEST_CASE("discrete_cosine of more variables than registers", "[bijectors]") {
  check_double(normal<19> | affine | discrete_cosine | affine);
}

namespace {

/// Variable k of DCT-II of x by its definition.
template <class T> long double cosine_sum(const T* x, std::size_t k, std::size_t D) {
  const long double pi = std::numbers::pi_v<long double>;
  long double sum = 0;
  for (std::size_t n = 0; n < D; ++n)
    sum +=
        static_cast<long double>(x[n]) *
        std::cos(pi * static_cast<long double>((2 * n + 1) * k) / static_cast<long double>(2 * D));
  return sum * std::sqrt((k == 0 ? 1.0L : 2.0L) / static_cast<long double>(D));
}

/// Values of n samples both ways, lengths and log-dets.
template <class T, int D> void check_formula() {
  CAPTURE(D);
  constexpr auto size = static_cast<std::size_t>(D);
  constexpr std::size_t n = 5;
  const auto f = make_subject<T, wants::evaluation>(normal<D> | discrete_cosine);
  const auto x = f.noise(n, 1);
  const auto y = f.forward(x, {});
  const auto back = f.inverse(y.values, {});
  // D terms of magnitude sqrt(2 / D), each rounded with the sum so far.
  const double rounding = 2 * std::sqrt(static_cast<double>(D)) *
                          static_cast<double>(std::numeric_limits<T>::epsilon());
  for (std::size_t i = 0; i < n; ++i) {
    long double before = 0, after = 0;
    for (std::size_t d = 0; d < size; ++d) {
      const auto expected = static_cast<double>(cosine_sum(&x[i * size], d, size));
      CHECK(std::abs(static_cast<double>(y.values[i * size + d]) - expected) <= 4 * rounding);
      CHECK(std::abs(static_cast<double>(back.values[i * size + d] - x[i * size + d])) <=
            8 * rounding);
      before += std::pow(static_cast<long double>(x[i * size + d]), 2);
      after += std::pow(static_cast<long double>(y.values[i * size + d]), 2);
    }
    CHECK(near(static_cast<double>(after), static_cast<double>(before), 4 * rounding));
    CHECK(y.log_det[i] == 0);
    CHECK(back.log_det[i] == 0);
  }
}

} // namespace

TEMPLATE_TEST_CASE("discrete_cosine: the formula", "[bijectors]", float, double) {
  check_formula<TestType, 1>();
  check_formula<TestType, 2>();
  check_formula<TestType, 5>();
  check_formula<TestType, 16>();
  check_formula<TestType, 64>();
  check_formula<TestType, 100>();
}

TEST_CASE("discrete_cosine: its constants are cosines, rounded once", "[bijectors]") {
  const auto check = [](const auto& table, int D) {
    for (int m = 0; m < 4 * D; ++m) {
      const long double exact =
          std::sqrt(2.0L / D) * std::cos(std::numbers::pi_v<long double> * m / (2 * D));
      const auto allowed =
          static_cast<double>(std::numeric_limits<double>::epsilon() * std::abs(exact) / 2) + 1e-18;
      CHECK(std::abs(static_cast<double>(bijou::detail::at(table, m) - exact)) <= allowed);
    }
  };
  check(bijou::detail::cosines_of_a_turn<double, 1>, 1);
  check(bijou::detail::cosines_of_a_turn<double, 3>, 3);
  check(bijou::detail::cosines_of_a_turn<double, 64>, 64);
}

TEST_CASE("discrete_cosine: a constant has one frequency, an alternating sign the highest",
          "[bijectors]") {
  const auto q = make_flow<double>(normal<4> | discrete_cosine);
  const xt::xtensor<double, 2> x{{3, 3, 3, 3}, {1, -1, 1, -1}};
  const auto y = q.forward(x);
  CHECK(near(y.y(0, 0), 6, 1e-15));
  for (std::size_t d = 1; d < 4; ++d) CHECK(std::abs(y.y(0, d)) < 1e-14);
  CHECK(std::abs(y.y(1, 3)) > std::abs(y.y(1, 1)));
  CHECK(std::abs(y.y(1, 2)) < 1e-14);
}

TEST_CASE("discrete_cosine: a NaN or an infinity stays in its sample", "[bijectors]") {
  check_isolation(make_subject<float>(normal<3> | discrete_cosine | affine));
}

/// \file
/// Haar words: values by hand and against the matrix of wavelets, odd tails, levels, gradients both
/// ways, bits.

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "../flow/check.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("haar of one variable is the identity", "[bijectors]") {
  const auto q = make_flow<double>(normal<1> | haar<>);
  CHECK(q.num_parameters() == 0);
  const xt::xtensor<double, 2> x{{1.75}, {-3}};
  CHECK(bool(q.forward(x).y == x));
}
TEST_CASE("haar of five variables, permuted, turned round", "[bijectors]") {
  check_expression(normal<5> | affine | haar<> | flip | affine | inverse(haar<1>));
}
TEST_CASE("haar between words that read a context", "[bijectors]") {
  check_double(normal<3> | given<2> | flip | haar<> | iaf<5>);
}
TEST_CASE("haar of more variables than registers", "[bijectors]") {
  check_double(normal<19> | affine | haar<2> | affine | haar<>);
}

namespace {

/// The transform by its recursion, in long double.
std::vector<long double> wavelets(std::vector<long double> x, int levels) {
  const std::size_t pairs = x.size() / 2;
  if (pairs == 0 || levels == 0) return x;
  const long double root_half = std::sqrt(0.5L);
  std::vector<long double> means, rest;
  for (std::size_t i = 0; i < pairs; ++i) {
    means.push_back((x[2 * i] + x[2 * i + 1]) * root_half);
    rest.push_back((x[2 * i] - x[2 * i + 1]) * root_half);
  }
  rest.insert(rest.end(), x.begin() + static_cast<std::ptrdiff_t>(2 * pairs), x.end());
  means = wavelets(means, levels - 1);
  means.insert(means.end(), rest.begin(), rest.end());
  return means;
}

/// Values both ways, log-dets; levels: those that the word has, at most.
template <class T, int D, class Word> void check_formula(const Word& word, int levels) {
  CAPTURE(D, word.text());
  constexpr auto size = static_cast<std::size_t>(D);
  constexpr std::size_t n = 5;
  const auto f = make_subject<T, wants::evaluation>(normal<D> | word);
  const auto x = f.noise(n, 1);
  const auto y = f.forward(x, {});
  const auto back = f.inverse(y.values, {});
  const double rounding = 32 * static_cast<double>(std::numeric_limits<T>::epsilon());
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = rows_from(x, i, 1, size);
    const auto expected = wavelets({row.begin(), row.end()}, levels);
    for (std::size_t d = 0; d < size; ++d) {
      CHECK(near(static_cast<double>(y.values[i * size + d]), static_cast<double>(expected[d]),
                 rounding));
      CHECK(near(static_cast<double>(back.values[i * size + d]),
                 static_cast<double>(x[i * size + d]), rounding));
    }
    CHECK(y.log_det[i] == 0);
    CHECK(back.log_det[i] == 0);
  }
}

} // namespace

TEMPLATE_TEST_CASE("haar: the recursion", "[bijectors]", float, double) {
  check_formula<TestType, 1>(haar<>, 9);
  check_formula<TestType, 2>(haar<>, 9);
  check_formula<TestType, 3>(haar<>, 9);
  check_formula<TestType, 8>(haar<>, 9);
  check_formula<TestType, 8>(haar<1>, 1);
  check_formula<TestType, 8>(haar<2>, 2);
  check_formula<TestType, 8>(haar<40>, 9);
  check_formula<TestType, 23>(haar<>, 9); // 23, 11, 5, 2: odd three times
  check_formula<TestType, 23>(haar<3>, 3);
}

TEST_CASE("haar: means first, differences behind them, an odd tail last", "[bijectors]") {
  const double r = std::sqrt(0.5);
  const auto q = make_flow<double>(normal<5> | haar<>);
  const xt::xtensor<double, 2> x{{1, 2, 4, 8, 16}};
  const auto y = q.forward(x);
  CHECK(near(y.y(0, 0), 7.5, 1e-15));
  CHECK(near(y.y(0, 1), -4.5, 1e-15));
  CHECK(near(y.y(0, 2), -r, 1e-15));
  CHECK(near(y.y(0, 3), -4 * r, 1e-15));
  CHECK(y.y(0, 4) == 16);
  const auto one = make_flow<double>(normal<5> | haar<1>).forward(x);
  CHECK(near(one.y(0, 0), 3 * r, 1e-15));
  CHECK(near(one.y(0, 1), 12 * r, 1e-15));
  CHECK(near(one.y(0, 2), -r, 1e-15));
}

TEST_CASE("haar: a NaN or an infinity stays in its sample", "[bijectors]") {
  check_isolation(make_subject<float>(normal<3> | haar<> | affine));
}

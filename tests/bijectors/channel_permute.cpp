/// \file
/// Invertible 1 x 1 convolutions: the formula against a dense matrix at each pixel, orders of the
/// channels, inverse, gradients both ways, bits, diagonals of either sign, names.

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

TEST_CASE("channel_permute of one channel is a scale", "[bijectors]") {
  auto f = check_double(normal<3> | channel_permute<1>);
  f.parameters[2] = -2; // lower, upper, diagonal
  const auto y = f.forward({1, 2, 3}, {});
  CHECK(y.values == std::vector<double>{-2, -4, -6});
  CHECK(near(y.log_det[0], 3 * std::log(2.0), 1e-15));
}
TEST_CASE("channel_permute of three channels of two pixels, permuted", "[bijectors]") {
  check_expression(normal<6> | channel_permute<3> | flip | channel_permute<3>.order({2, 0, 1}) |
                   channel_permute<2>);
}
TEST_CASE("channel_permute turned round", "[bijectors]") {
  check_double(normal<4> | given<2> | flip | inverse(channel_permute<2>.order({1, 0})) | iaf<5>);
}
TEST_CASE("channel_permute of as many channels as variables", "[bijectors]") {
  check_double(normal<5> | channel_permute<5>.order({4, 2, 0, 1, 3}));
}
TEST_CASE("channel_permute of more variables than registers", "[bijectors]") {
  check_double(normal<48> | channel_permute<3>);
}

namespace {

/// P L U of long doubles, from parameters in their order: lower, upper, diagonal.
template <class Parameters>
std::vector<long double> matrix_of(std::size_t C, const std::vector<int>& order,
                                   const Parameters& p) {
  std::vector<long double> lower(C * C), upper(C * C), whole(C * C);
  for (std::size_t i = 0; i < C; ++i)
    for (std::size_t j = 0; j < C; ++j) {
      lower[i * C + j] = i == j ? 1 : j < i ? static_cast<long double>(p[i * C + j]) : 0;
      upper[i * C + j] = i == j  ? static_cast<long double>(p[2 * C * C + i])
                         : j > i ? static_cast<long double>(p[C * C + i * C + j])
                                 : 0;
    }
  for (std::size_t i = 0; i < C; ++i)
    for (std::size_t j = 0; j < C; ++j)
      for (std::size_t k = 0; k < C; ++k)
        whole[i * C + j] += lower[static_cast<std::size_t>(order[i]) * C + k] * upper[k * C + j];
  return whole;
}

/// Forward and inverse of n samples against that matrix at each pixel.
template <class T, int D, int C, class Word>
void check_formula(const Word& word, const std::vector<int>& order) {
  CAPTURE(D, word.text());
  constexpr auto size = static_cast<std::size_t>(D), channels = static_cast<std::size_t>(C);
  constexpr std::size_t n = 7, pixels = size / channels;
  const auto f = make_subject<T, wants::evaluation>(normal<D> | word, 0.5F);
  const auto matrix = matrix_of(channels, order, f.parameters);
  long double log_det = 0;
  for (std::size_t c = 0; c < channels; ++c)
    log_det +=
        std::log(std::abs(static_cast<long double>(f.parameters[2 * channels * channels + c]))) *
        static_cast<long double>(pixels);
  const auto x = f.noise(n, 1);
  const auto y = f.forward(x, {});
  const auto back = f.inverse(y.values, {});
  const double rounding = 8 * (C + 1) * static_cast<double>(std::numeric_limits<T>::epsilon());
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t d = 0; d < size; ++d)
      // The samples that the inverse finds lead back to where it began.
      for (const T* const from : {&x[i * size], &back.values[i * size]}) {
        long double sum = 0, magnitude = 0;
        for (std::size_t c = 0; c < channels; ++c) {
          const long double term = matrix[d / pixels * channels + c] *
                                   static_cast<long double>(from[c * pixels + d % pixels]);
          sum += term;
          magnitude += std::abs(term) + std::abs(static_cast<long double>(from[c * pixels]));
        }
        CHECK(near(static_cast<double>(y.values[i * size + d]), static_cast<double>(sum),
                   rounding * static_cast<double>(1 + magnitude)));
      }
    CHECK(near(static_cast<double>(y.log_det[i]), static_cast<double>(log_det), rounding * D));
    CHECK(near(static_cast<double>(back.log_det[i]), -static_cast<double>(log_det), rounding * D));
  }
}

} // namespace

TEMPLATE_TEST_CASE("channel_permute: the formula", "[bijectors]", float, double) {
  check_formula<TestType, 4, 1>(channel_permute<1>, {0});
  check_formula<TestType, 6, 3>(channel_permute<3>, {0, 1, 2});
  check_formula<TestType, 12, 3>(channel_permute<3>.order({2, 0, 1}), {2, 0, 1});
  check_formula<TestType, 8, 4>(channel_permute<4>.order({1, 3, 0, 2}), {1, 3, 0, 2});
}

TEST_CASE("channel_permute starts as the permutation of channels", "[bijectors]") {
  const auto q = make_flow<double>(normal<6> | channel_permute<3>.order({2, 0, 1}));
  const xt::xtensor<double, 2> x{{1, 2, 3, 4, 5, 6}}, moved{{5, 6, 1, 2, 3, 4}};
  const auto y = q.forward(x);
  CHECK(bool(y.y == moved));
  CHECK(y.log_det(0) == 0);
  CHECK(bool(q.inverse(moved).x == x));
}

TEMPLATE_TEST_CASE("channel_permute: diagonals of any size and sign, and 0", "[bijectors]", float,
                   double) {
  using T = TestType;
  auto f = make_subject<T>(normal<2> | channel_permute<2>);
  //                         lower       upper        diagonal
  const std::vector<T> theta{0, 0, 2, 0, 0, -3, 0, 0, T(-1e-4), T(1e4)};
  std::copy(theta.begin(), theta.end(), f.parameters.begin());
  const std::vector<T> x{1, T(0.5)};
  const auto y = f.forward(x, {});
  const double first = -1e-4 - 1.5;
  CHECK(is_close<T>(static_cast<double>(y.values[0]), first));
  CHECK(is_close<T>(static_cast<double>(y.values[1]), 2 * first + 5e3));
  CHECK(near(static_cast<double>(y.log_det[0]), 0, 1e-5));
  const auto g = f.log_prob_gradient(y.values, {}, {1}, 1);
  for (const T v : g.by_inputs) CHECK(std::isfinite(v));
  for (const T v : g.by_parameters) CHECK(std::isfinite(v));
  // A 0 folds the map: every sample lands on a plane, of no volume.
  f.parameters[8] = 0;
  const auto folded = f.forward(x, {});
  CHECK(is_close<T>(static_cast<double>(folded.values[0]), -1.5));
  CHECK(folded.log_det[0] == -std::numeric_limits<T>::infinity());
}

TEST_CASE("channel_permute: a NaN or an infinity stays in its sample", "[bijectors]") {
  check_isolation(make_subject<float>(normal<6> | channel_permute<3> | flip | channel_permute<2>));
}

TEST_CASE("channel_permute: names, sizes, orders", "[bijectors]") {
  auto q = make_flow<float>(normal<12> | channel_permute<3>);
  CHECK(q.num_parameters() == 3 + 3 + 3);
  q.set_parameters(std::vector<float>(q.parameters().size(), 1.0F));
  const auto set = named_parameters(q);
  const std::vector<std::string> names{"lower", "upper", "diagonal"};
  REQUIRE(set.values.size() == names.size());
  for (std::size_t i = 0; i < names.size(); ++i)
    CHECK(set.values[i].name == "layers.0." + names[i]);
  CHECK(set.values[0].values == std::vector<float>{0, 0, 0, 1, 0, 0, 1, 1, 0});
  CHECK(set.values[1].values == std::vector<float>{0, 1, 1, 0, 0, 1, 0, 0, 0});
  CHECK_THROWS_AS(channel_permute<3>.order({0, 1, 1}), std::invalid_argument);
  CHECK_THROWS_AS(channel_permute<3>.order({0, 1}), std::invalid_argument);
  CHECK(channel_permute<3>.order({2, 0, 1}).order({0, 1, 2}).text() == "channel_permute<3>");
}

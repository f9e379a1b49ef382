/// \file
/// Coupling words: even and uneven splits, two variables, contexts, deep conditioners, and what a
/// coupling leaves alone.

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include "../flow/check.hpp"

using namespace bijou;
using bijou::testing::check_double;
using Catch::Matchers::Contains;

TEST_CASE("coupling of two variables", "[bijectors]") {
  check_double(normal<2> | coupling<5>(affine));
}
TEST_CASE("coupling of an odd number of variables", "[bijectors]") {
  check_double(normal<5> | coupling<5>(affine) | flip | coupling<5>(affine).split(1));
}
TEST_CASE("coupling with a context", "[bijectors]") {
  check_double(normal<3> | given<2> | coupling<5>(affine));
}
TEST_CASE("coupling of two hidden layers turned round", "[bijectors]") {
  check_double(normal<4> |
               inverse(coupling<9, 6>(gated).sigmoid_bias(1).activation(activations::silu)));
}

TEST_CASE("a coupling keeps the variables it reads, to the bit", "[bijectors]") {
  const auto f = testing::make_subject<double>(normal<5> | coupling<5>(affine).split(3));
  const auto x = f.noise(4, 1);
  const auto y = f.forward(x, {}).values;
  for (std::size_t i = 0; i < x.size(); ++i) CHECK((y[i] == x[i]) == (i % 5 < 3));
}

namespace {
/// Without a split the first half is kept, rounded down: of odd sizes the smaller part.
template <int D> void check_default_split() {
  CAPTURE(D);
  const auto f = testing::make_subject<double>(normal<D> | coupling<5>(affine));
  const auto x = f.noise(4, 1);
  const auto y = f.forward(x, {}).values;
  for (std::size_t i = 0; i < x.size(); ++i) CHECK((y[i] == x[i]) == (i % D < D / 2));
}
} // namespace

TEST_CASE("a coupling without a split keeps the first half, rounded down", "[bijectors]") {
  check_default_split<2>();
  check_default_split<3>();
  check_default_split<4>();
  check_default_split<5>();
  check_default_split<7>();
}

TEST_CASE("a split leaves variables on both sides", "[bijectors]") {
  for (const int kept : {0, 5, -1})
    CHECK_THROWS_WITH(
        make_flow<double>(normal<5> | coupling<5>(affine).split(kept)),
        Contains("coupling: expected a split of 1 to 4 variables, got " + std::to_string(kept)));
}

TEST_CASE("coupling of variables in any order", "[bijectors]") {
  check_double(normal<4> | given<1> | coupling<5>(affine).mask({0, 1, 1, 0}) |
               inverse(coupling<5>(affine).order({3, 1, 0, 2}).split(1)));
}
TEST_CASE("a mask says which variables a coupling keeps, to the bit", "[bijectors]") {
  const std::array<int, 5> mask{1, 0, 0, 1, 0};
  const auto f = testing::make_subject<double>(normal<5> | coupling<5>(affine).mask(mask));
  const auto x = f.noise(4, 1);
  const auto y = f.forward(x, {}).values;
  for (std::size_t i = 0; i < x.size(); ++i) CHECK((y[i] == x[i]) == (mask.at(i % 5) != 0));
}
TEST_CASE("a coupling in an order is a coupling between permutations", "[bijectors]") {
  constexpr std::array<int, 4> order{2, 0, 3, 1}, back{1, 3, 0, 2};
  const auto ordered = make_flow<double>(normal<4> | coupling<6>(affine).order(order).split(1), 4);
  const auto moved = make_flow<double>(
      normal<4> | permute(order) | coupling<6>(affine).split(1).seed(9) | permute(back), 4);
  auto same = ordered;
  std::copy(moved.parameters().begin(), moved.parameters().end(), same.parameters().begin());
  const xt::xtensor<double, 2> y{{0.5, -1, 2, 0.1}, {0, 0.3, -0.7, 1}};
  const auto in_order = same.log_prob(y), between = moved.log_prob(y);
  for (std::size_t i = 0; i < 2; ++i) CHECK(in_order(i) == between(i));
}
TEST_CASE("binary masks tell every two variables apart", "[bijectors]") {
  for (int a = 0; a < 6; ++a)
    for (int b = 0; b < a; ++b) {
      int apart = 0;
      for (int bit = 0; bit < 3; ++bit) {
        const auto mask = binary_mask<6>(bit);
        apart += mask.at(static_cast<std::size_t>(a)) != mask.at(static_cast<std::size_t>(b));
      }
      CHECK(apart > 0);
    }
  CHECK(binary_mask<6>(1) == std::array{0, 0, 1, 1, 0, 0});
}
TEST_CASE("orders and masks of a coupling: texts and refusals", "[bijectors]") {
  CHECK(coupling<5>(affine).mask({1, 0, 1, 0}).text() ==
        "coupling<5>(affine).order({0, 2, 1, 3}).split(2)");
  CHECK(coupling<5>(affine).split(1).order({1, 0}).text() ==
        "coupling<5>(affine).order({1, 0}).split(1)");
  CHECK_THROWS_WITH(coupling<5>(affine).mask({0, 0, 0}),
                    Contains("coupling: a mask keeps 1 to 2 variables of 3, this one 0"));
  CHECK_THROWS_WITH(coupling<5>(affine).mask({1, 2, 3}), Contains("this one 3"));
  CHECK_THROWS_AS(coupling<5>(affine).order({0, 0, 1}), std::invalid_argument);
  const std::vector<int> short_order{1, 0};
  CHECK_THROWS_AS(make_flow<double>(normal<3> | coupling<5>(affine).order(short_order)),
                  std::invalid_argument);
}

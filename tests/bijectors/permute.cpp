/// \file
/// Permutations: y[i] = x[order[i]], alone, composed, inverted, and folded into the words around
/// them.

#include <stdexcept>
#include <vector>

#include "../flow/check.hpp"

using namespace bijou;
using bijou::testing::check_double;
using bijou::testing::make_subject;
using Catch::Matchers::Contains;

namespace {

/// Where the variables 0, 1, 2 ... end up.
template <int D, class E> std::vector<int> table_of(const E& words) {
  const auto f = make_bijector<double, D>(words);
  auto ws = f.make_workspace();
  std::vector<double> x(D), y(D);
  for (int i = 0; i < D; ++i) x[static_cast<std::size_t>(i)] = i;
  double log_det = -1;
  f.forward(rows_of<const double>(x.data(), 1, D), rows_of(y.data(), 1, D), &log_det, ws);
  CHECK(log_det == 0);
  std::vector<double> back(D);
  f.inverse(rows_of<const double>(y.data(), 1, D), rows_of(back.data(), 1, D), &log_det, ws);
  CHECK(back == x);
  return {y.begin(), y.end()};
}
using table = std::vector<int>;

} // namespace

TEST_CASE("permutations by value", "[bijectors]") {
  CHECK(table_of<4>(flip) == table{3, 2, 1, 0});
  CHECK(table_of<4>(permute({2, 0, 3, 1})) == table{2, 0, 3, 1});
  CHECK(table_of<4>(inverse(permute({2, 0, 3, 1}))) == table{1, 3, 0, 2});
  CHECK(table_of<4>(permute({2, 0, 3, 1}) | flip) == table{1, 3, 0, 2});
  CHECK(table_of<4>(flip | permute({2, 0, 3, 1})) == table{1, 3, 0, 2});
  CHECK(table_of<3>(permute({1, 2, 0}) | permute({1, 2, 0})) == table{2, 0, 1});
  CHECK(table_of<3>(permute({1, 2, 0}) | permute({1, 0, 2})) == table{2, 1, 0});
  CHECK(table_of<3>(permute(std::vector<int>{1, 2, 0})) == table{1, 2, 0});
  CHECK(table_of<4>(flip | flip) == table{0, 1, 2, 3});
}

TEST_CASE("shuffles", "[bijectors]") {
  const table seven = table_of<11>(shuffle(7));
  CHECK(seven == table_of<11>(shuffle(7)));
  CHECK(seven != table_of<11>(shuffle(8)));
  // Of another program, from the published constants; SplitMix64's first two numbers are known.
  CHECK(detail::mixed_bits(0) == 0xe220a8397b1dcdafU);
  CHECK(detail::mixed_bits(0x9e3779b97f4a7c15U) == 0x6e789e6aa1b965f4U);
  CHECK(seven == table{8, 4, 9, 2, 1, 10, 7, 6, 0, 5, 3});
  CHECK(table_of<5>(shuffle(~std::uint64_t{0})) == table{3, 4, 1, 0, 2});
  CHECK(table_of<11>(shuffle(7) | inverse(shuffle(7))) == table_of<11>(flip | flip));
  CHECK(table_of<1>(shuffle(7)) == table{0});
  CHECK(std::is_permutation(seven.begin(), seven.end(), table_of<11>(flip).begin()));
}

TEST_CASE("words between permutations: maps, log-dets, gradients", "[bijectors]") {
  check_double(normal<4> | permute({2, 0, 3, 1}) | iaf<7> | shuffle(3) | flip | iaf<7> | affine |
               inverse(permute({1, 3, 0, 2})) | iaf<7> | flip);
}

TEST_CASE("permutations at the data that leave the first variable in its place", "[bijectors]") {
  // Whole tiles are read in blocks where nothing is permuted; events and pieces are not.
  const auto f = make_subject<double>(normal<4> | affine | permute({0, 2, 1, 3}));
  const auto x = f.noise(203, 1);
  check_bits(f, x, {});
  const auto y = f.forward(x, {}).values;
  const auto g = make_subject<double>(normal<4> | affine);
  const auto straight = g.forward(x, {}).values;
  for (std::size_t i = 0; i < 203; ++i)
    for (const std::size_t d : {std::size_t{0}, std::size_t{3}})
      REQUIRE(y[4 * i + d] == straight[4 * i + d]);
}

TEST_CASE("a permutation before a word is the word in another order", "[bijectors]") {
  // Folded away or carried out, the numbers are the same: here a word that maps nothing keeps the
  // permutation from its neighbour's order.
  const auto f = make_subject<double>(normal<3> | permute({1, 2, 0}) | iaf<7>.seed(1) |
                                      inverse(permute({1, 2, 0})));
  const auto g = make_subject<double>(normal<3> | iaf<7>.seed(1).order({1, 2, 0}));
  const auto x = f.noise(9, 1);
  CHECK(f.forward(x, {}).values == g.forward(x, {}).values);
  CHECK(f.forward(x, {}).log_det == g.forward(x, {}).log_det);
}

TEST_CASE("an order of another length or with repetitions is refused", "[bijectors]") {
  CHECK_THROWS_WITH(make_flow<double>(normal<3> | permute(std::vector<int>{1, 0})),
                    Contains("permute: expected an order of 3 indices, got 2"));
  CHECK_THROWS_WITH(permute(std::vector<int>{1, 0, 1}),
                    Contains("permute: expected each of 0 to 2 once, got 1 at position 2"));
  CHECK_THROWS_WITH(permute(std::vector<int>{1, 0, 3}),
                    Contains("permute: expected each of 0 to 2 once, got 3 at position 2"));
}

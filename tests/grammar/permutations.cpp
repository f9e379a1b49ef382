// Tables of permutations by value: y[i] = x[order[i]], alone, composed, turned round.
#include <bijou/bijou.hpp>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include "../catch.hpp"

using namespace bijou;
using detail::composed;

namespace {

using table3 = std::array<int, 3>;
using table4 = std::array<int, 4>;

static_assert(flip.order<4>() == table4{3, 2, 1, 0});
static_assert(flip.order<1>() == std::array{0});
static_assert(permute({2, 0, 1}).order<3>() == table3{2, 0, 1});
static_assert(permute(std::array{2, 0, 1}).order<3>() == table3{2, 0, 1});
// The inverse: x[order[i]] = y[i].
static_assert(inverse(permute({2, 0, 1})).order<3>() == table3{1, 2, 0});
static_assert(inverse(permute({3, 0, 2, 1})).order<4>() == table4{1, 3, 2, 0});
// First f, then g: y[i] = x[f[g[i]]].
static_assert(composed<3>({2, 0, 1}, {1, 0, 2}) == table3{0, 2, 1});
static_assert(composed<3>({1, 0, 2}, {2, 0, 1}) == table3{2, 1, 0});
static_assert(composed<3>({2, 0, 1}, inverse(permute({2, 0, 1})).order<3>()) == table3{0, 1, 2});
// Shuffles are fixed for all time and undone by their inverse.
static_assert(composed<4>(shuffle(3).order<4>(), inverse(shuffle(3)).order<4>()) ==
              table4{0, 1, 2, 3});
static_assert(shuffle(1).order<8>() != shuffle(2).order<8>());

/// What an expression of permutations makes of 0, 1, 2, ...
template <int D, class E> std::array<int, static_cast<std::size_t>(D)> moved(const E& e) {
  const auto f = make_bijector<double, D>(e);
  std::array<double, static_cast<std::size_t>(D)> x{}, y{};
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i);
  double log_det = 1;
  auto ws = f.make_workspace();
  f.forward(rows_of(x.data(), 1, D), rows_of(y.data(), 1, D), &log_det, ws);
  CHECK(log_det == 0);
  std::array<int, static_cast<std::size_t>(D)> order{};
  for (std::size_t i = 0; i < x.size(); ++i) order[i] = static_cast<int>(y[i]);
  return order;
}

} // namespace

TEST_CASE("permutations that run are their tables", "[grammar]") {
  CHECK(moved<4>(flip) == table4{3, 2, 1, 0});
  CHECK(moved<3>(permute({2, 0, 1})) == table3{2, 0, 1});
  CHECK(moved<3>(inverse(permute({2, 0, 1}))) == table3{1, 2, 0});
  CHECK(moved<8>(shuffle(5)) == shuffle(5).order<8>());
  CHECK(moved<8>(shuffle(5) | inverse(shuffle(5))) == detail::identity_order<8>());
}

TEST_CASE("groups of permutations are one table", "[grammar]") {
  // (x0, x1, x2) -> (x2, x0, x1) -> (x1, x0, x2)
  CHECK(moved<3>(permute({2, 0, 1}) | flip) == table3{1, 0, 2});
  // (x0, x1, x2) -> (x2, x1, x0) -> (x0, x2, x1)
  CHECK(moved<3>(flip | permute({2, 0, 1})) == table3{0, 2, 1});
  CHECK(moved<3>(flip | flip) == table3{0, 1, 2});
  CHECK(moved<3>(inverse(permute({2, 0, 1}) | permute({1, 0, 2}))) ==
        composed<3>({1, 0, 2}, {1, 2, 0}));
  CHECK(moved<3>(permute(std::vector{2, 0, 1}) | permute({2, 0, 1})) == table3{1, 2, 0});
}

TEST_CASE("a shuffle has every index once, whatever the seed", "[grammar]") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto order = shuffle(seed).order<16>();
    CHECK_NOTHROW(detail::check_permutation("shuffle", order));
    CHECK(composed<16>(order, inverse(shuffle(seed)).order<16>()) == detail::identity_order<16>());
  }
}

TEST_CASE("a shuffle puts each index everywhere equally often", "[grammar]") {
  std::array<std::array<int, 5>, 5> counts{};
  const int n = 20'000;
  for (std::uint64_t seed = 0; seed < n; ++seed) {
    const auto order = shuffle(seed).order<5>();
    for (std::size_t i = 0; i < 5; ++i) ++counts[i][static_cast<std::size_t>(order[i])];
  }
  for (const auto& row : counts)
    for (const int count : row) CHECK(std::abs(count - n / 5) < 300); // 5.3 standard deviations
}

namespace {
/// The sentence of the std::invalid_argument that f() throws.
template <class F> std::string sentence(F&& f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "nothing thrown";
}
} // namespace

TEST_CASE("what the compiler cannot see is refused when it is written or made", "[grammar]") {
  const std::vector<int> twice{0, 2, 2}, beyond{0, 3, 1}, negative{-1, 0, 1}, three{2, 0, 1};
  CHECK(sentence([&] { permute(twice); }) ==
        "permute: expected each of 0 to 2 once, got 2 at position 2");
  CHECK(sentence([&] { permute(beyond); }) ==
        "permute: expected each of 0 to 2 once, got 3 at position 1");
  CHECK(sentence([&] { permute(negative); }) ==
        "permute: expected each of 0 to 2 once, got -1 at position 0");
  CHECK(sentence([&] {
          permute({1, 1});
        }) == "permute: expected each of 0 to 1 once, got 1 at position 1");
  CHECK(sentence([&] { iaf<8>.order(twice); }) ==
        "order: expected each of 0 to 2 once, got 2 at position 2");
  CHECK(sentence([&] {
          maf<8>.order({3, 0, 1});
        }) == "order: expected each of 0 to 2 once, got 3 at position 0");

  CHECK(sentence([&] { make_flow<float>(normal<4> | permute(three)); }) ==
        "permute: expected an order of 4 indices, got 3");
  CHECK(sentence([&] { make_bijector<float, 2>(inverse(permute(three))); }) ==
        "permute: expected an order of 2 indices, got 3");
  CHECK(sentence([&] { make_flow<float>(normal<4> | iaf<8>.order(three)); }) ==
        "order: expected an order of 4 indices, got 3");
  CHECK(sentence([&] { make_flow<float>(normal<4> | coupling<8>(affine).split(4)); }) ==
        "coupling: expected a split of 1 to 3 variables, got 4");
  const std::vector<double> mean{1, 2}, scale{1, 1};
  CHECK(sentence([&] { make_flow<float>(normal<3> | inverse(standardise(mean, scale))); }) ==
        "standardise: expected 3 means and scales, got 2");
  CHECK(sentence([&] {
          make_flow<float>(normal<2> | interval_map(0, 1) | inverse(interval_map(0, 2)));
        }) == "make_flow: inverse(interval_map(0, 2)) expects the interval [0, 2], "
              "but variable 0 ranges over [0, 1]");
}

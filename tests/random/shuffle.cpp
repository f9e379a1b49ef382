#include <bijou/random/shuffle.hpp>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "../catch.hpp"

using bijou::philox;

namespace {

std::vector<std::uint32_t> shuffled(std::size_t n, const philox& noise, std::uint64_t epoch) {
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  bijou::shuffle(order, noise, epoch);
  return order;
}

} // namespace

TEST_CASE("a shuffle is a permutation, of any length", "[shuffle]") {
  for (std::size_t n : {0U, 1U, 2U, 3U, 4U, 5U, 17U, 1000U}) {
    auto order = shuffled(n, philox(1), 0);
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < n; ++i) REQUIRE(order[i] == i);
  }
}

TEST_CASE("a shuffle depends on seed, stream and epoch alone", "[shuffle]") {
  philox moved(1);
  moved();
  moved.advance(100);
  const auto order = shuffled(50, philox(1), 0);
  CHECK(order == shuffled(50, moved, 0));
  CHECK(order != shuffled(50, philox(1), 1));
  CHECK(order != shuffled(50, philox(1), std::uint64_t{1} << 32));
  CHECK(order != shuffled(50, philox(2), 0));
  CHECK(order != shuffled(50, philox(1, 1), 0));
}

TEST_CASE("all orders are as likely", "[shuffle]") {
  // Chi-squared over the 24 orders of 4: 23 degrees of freedom, 99.9 % below 49.7.
  constexpr int draws = 24000;
  std::vector<int> count(256);
  for (std::uint64_t epoch = 0; epoch < draws; ++epoch) {
    const auto o = shuffled(4, philox(9), epoch);
    ++count[o[0] | o[1] << 2 | o[2] << 4 | o[3] << 6];
  }
  double chi = 0;
  int orders = 0;
  for (int c : count) {
    if (c == 0) continue;
    ++orders;
    chi += (c - draws / 24.0) * (c - draws / 24.0) / (draws / 24.0);
  }
  CHECK(orders == 24);
  CHECK(chi < 49.7);
}

TEST_CASE("a bounded draw is the floor of the exact product", "[shuffle]") {
  philox noise(4);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t word = noise() | std::uint64_t{noise()} << 32;
    const std::uint32_t bound = noise() >> (noise() % 32);
    __extension__ using wide = unsigned __int128;
    CHECK(bijou::detail::below(bound, word) ==
          static_cast<std::uint32_t>(static_cast<wide>(word) * bound >> 64));
  }
  CHECK(bijou::detail::below(0xffffffffU, ~std::uint64_t{0}) == 0xfffffffeU);
}

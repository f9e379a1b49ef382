// Known answers: the kat_vectors of Random123 for philox4x32 with 10 rounds.
#include <bijou/random/philox.hpp>

#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "../catch.hpp"

using bijou::domain;
using bijou::philox;
using bijou::philox_block;

TEST_CASE("Philox4x32-10 gives the published answers", "[philox]") {
  using block = std::array<std::uint32_t, 4>;
  constexpr std::uint32_t ones = 0xffffffffU;
  STATIC_REQUIRE(philox_block({0, 0, 0, 0}, {0, 0}) ==
                 block{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U});
  STATIC_REQUIRE(philox_block({ones, ones, ones, ones}, {ones, ones}) ==
                 block{0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU});
  STATIC_REQUIRE(philox_block({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U},
                              {0xa4093822U, 0x299f31d0U}) ==
                 block{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U});
}

TEST_CASE("a philox block has the documented counter and key", "[philox]") {
  const philox noise(0x299f31d0a4093822U);
  CHECK(noise.key() == philox::key_type{0xa4093822U, 0x299f31d0U});
  CHECK(noise.block(0x85a308d3243f6a88U, 0x13198a2eU, static_cast<domain>(0x03707344U)) ==
        std::array<std::uint32_t, 4>{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U});
}

TEST_CASE("streams, seeds, samples, blocks and domains differ", "[philox]") {
  std::set<std::array<std::uint32_t, 4>> seen;
  int count = 0;
  for (std::uint64_t seed : {0U, 1U, 42U})
    for (std::uint64_t stream : {0U, 1U, 2U})
      for (std::uint64_t sample : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32})
        for (std::uint32_t block : {0U, 1U})
          for (domain use : {domain::draws, domain::engine, domain::shuffle, domain::initialise,
                             domain::streams, domain::user}) {
            seen.insert(philox(seed, stream).block(sample, block, use));
            ++count;
          }
  CHECK(static_cast<int>(seen.size()) == count);
  CHECK(philox(7) == philox(7, 0));
  CHECK_FALSE(philox(7) == philox(7, 1));
  // A stream's key is the beginning of the seed's own block for it.
  const auto words = philox(7).block(1, 0, domain::streams);
  CHECK(philox(7, 1).key() == philox::key_type{words[0], words[1]});
}

TEST_CASE("philox is a standard generator of a domain of its own", "[philox]") {
  STATIC_REQUIRE(std::uniform_random_bit_generator<philox>);
  STATIC_REQUIRE(philox::min() == 0);
  STATIC_REQUIRE(philox::max() == 0xffffffffU);

  philox noise(3);
  for (std::uint64_t i = 0; i < 10; ++i)
    for (std::uint32_t word : philox(3).block(i, 0, domain::engine)) CHECK(noise() == word);
  CHECK(noise.position() == 0); // words are no samples

  std::normal_distribution<double> normal;
  CHECK(std::isfinite(normal(noise)));
}

TEST_CASE("discard and advance skip what calls would have taken", "[philox]") {
  for (std::uint64_t before = 0; before < 6; ++before) {
    for (std::uint64_t skipped = 0; skipped < 10; ++skipped) {
      philox walked(5, 2), jumped(5, 2);
      for (std::uint64_t i = 0; i < before; ++i) CHECK(walked() == jumped());
      for (std::uint64_t i = 0; i < skipped; ++i) walked();
      jumped.discard(skipped);
      CHECK(walked == jumped);
      for (int i = 0; i < 5; ++i) CHECK(walked() == jumped());
    }
  }
  philox noise(1);
  noise.advance(std::uint64_t{1} << 40);
  noise.advance(3);
  CHECK(noise.position() == (std::uint64_t{1} << 40) + 3);
  CHECK_FALSE(noise == philox(1));
  philox drawn(1);
  drawn();
  CHECK_FALSE(drawn == philox(1));
  CHECK(noise() == philox(1)()); // samples are no words
}

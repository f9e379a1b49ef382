#pragma once
/// \file
/// The counter-based generator Philox4x32-10, and `philox`: a seed, a stream and a place in it.
///
/// Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). A block of
/// four 32-bit words is a function of a 128-bit counter and a 64-bit key, so any sample's noise is
/// computed from its number alone: the same for every batch size, thread count and vector width.
///
/// The counter, from its low word to its high one:
///
///     words 0, 1   the sample's number, 64 bits
///     word 2       the block within the sample
///     word 3       the domain: what the numbers are for
///
/// The key is the seed for stream 0. Other streams' keys are drawn under the seed in a domain of
/// their own; among a million of them, that two coincide has a chance of 3e-8.

#include <bijou/kernels/isa.hpp>

#include <array>
#include <cstdint>
#include <limits>

namespace bijou::inline BIJOU_ISA {

/// What random numbers are for. Numbers of different domains are never the same noise.
enum class domain : std::uint32_t {
  draws = 0,      ///< samples of a base distribution
  engine = 1,     ///< words drawn through the standard generator interface
  shuffle = 2,    ///< orders of the training set
  initialise = 3, ///< initial parameters
  streams = 4,    ///< keys of streams
  rounding = 5,   ///< where a sample lies between the numbers of its type
  user = 1U << 31 ///< and above: free for user code
};

namespace philox_rounds {

inline constexpr int count = 10;
inline constexpr std::uint32_t multiplier_0 = 0xD2511F53U, multiplier_1 = 0xCD9E8D57U;
inline constexpr std::uint32_t weyl_0 = 0x9E3779B9U, weyl_1 = 0xBB67AE85U; // of the key

} // namespace philox_rounds

/// Four random words: the block of the counter under the key.
constexpr std::array<std::uint32_t, 4> philox_block(std::array<std::uint32_t, 4> counter,
                                                    std::array<std::uint32_t, 2> key) {
  using namespace philox_rounds;
  for (int round = 0; round < count; ++round) {
    const std::uint64_t a = std::uint64_t{multiplier_0} * counter[0];
    const std::uint64_t b = std::uint64_t{multiplier_1} * counter[2];
    counter = {
        static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
        static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key = {key[0] + weyl_0, key[1] + weyl_1};
  }
  return counter;
}

/// A source of noise: seed and stream, the number of the next sample, and a standard generator
/// beside them.
///
/// Samples are numbered; `position` is the next one's number and `advance` passes any number of
/// them at no cost. As a UniformRandomBitGenerator (for the standard distributions and
/// std::shuffle) it draws from a domain of its own: words drawn so are never part of a sample, and
/// do not move `position`.
class philox {
 public:
  using result_type = std::uint32_t;
  using key_type = std::array<std::uint32_t, 2>;

  /// At sample 0 of a stream. Streams of one seed are independent.
  constexpr explicit philox(std::uint64_t seed = 0, std::uint64_t stream = 0)
      : key_{low(seed), high(seed)} {
    if (stream != 0) {
      const auto words = block(stream, 0, domain::streams);
      key_ = {words[0], words[1]};
    }
  }

  /// What seed and stream became.
  constexpr const key_type& key() const { return key_; }

  /// Block `index` of a sample: a pure function of seed, stream and arguments.
  constexpr std::array<std::uint32_t, 4> block(std::uint64_t sample, std::uint32_t index,
                                               domain use) const {
    return philox_block({low(sample), high(sample), index, static_cast<std::uint32_t>(use)}, key_);
  }

  /// The number of the next sample.
  constexpr std::uint64_t position() const { return position_; }
  /// Passes n samples.
  constexpr void advance(std::uint64_t n) { position_ += n; }

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  /// The next word of the engine's domain.
  constexpr result_type operator()() {
    if (words_ % 4 == 0) current_ = block(words_ / 4, 0, domain::engine);
    return current_[words_++ % 4];
  }
  /// Passes n words of the engine's domain, in constant time.
  constexpr void discard(std::uint64_t n) {
    words_ += n;
    if (words_ % 4 != 0) current_ = block(words_ / 4, 0, domain::engine);
  }

  /// Equal generators give equal numbers from here on.
  friend constexpr bool operator==(const philox& a, const philox& b) {
    return a.key_ == b.key_ && a.position_ == b.position_ && a.words_ == b.words_;
  }

 private:
  static constexpr std::uint32_t low(std::uint64_t a) { return static_cast<std::uint32_t>(a); }
  static constexpr std::uint32_t high(std::uint64_t a) {
    return static_cast<std::uint32_t>(a >> 32);
  }

  key_type key_;
  std::uint64_t position_ = 0;
  std::uint64_t words_ = 0;                   // engine words drawn
  std::array<std::uint32_t, 4> current_ = {}; // the engine's block, where words_ is inside one
};

} // namespace bijou::inline BIJOU_ISA

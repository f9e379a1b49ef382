#pragma once
/// \file
/// Random orders: a permutation of indices that depends on seed, stream and epoch alone.

#include <bijou/random/philox.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// floor(bound * word / 2^64): uniform in 0 .. bound - 1 up to bound / 2^64.
constexpr std::uint32_t below(std::uint32_t bound, std::uint64_t word) {
  const std::uint64_t low = (word & 0xffffffffU) * bound;
  const std::uint64_t high = (word >> 32) * bound;
  return static_cast<std::uint32_t>((high + (low >> 32)) >> 32);
}

} // namespace detail

/// Reorders `indices` at random (Fisher and Yates): a function of them, the generator's seed and
/// stream, and `epoch`; the generator's position plays no part. At most 2^32 - 1 indices.
inline void shuffle(std::span<std::uint32_t> indices, const philox& noise, std::uint64_t epoch) {
  // Epoch where samples have their number; a block serves two exchanges.
  for (std::size_t left = indices.size(), k = 0; left > 1; ++k) {
    const auto words = noise.block(epoch, static_cast<std::uint32_t>(k), domain::shuffle);
    for (std::size_t half = 0; half < 2 && left > 1; ++half, --left) {
      const std::uint64_t word = words[2 * half] | std::uint64_t{words[2 * half + 1]} << 32;
      std::swap(indices[left - 1], indices[detail::below(static_cast<std::uint32_t>(left), word)]);
    }
  }
}

} // namespace bijou::inline BIJOU_ISA

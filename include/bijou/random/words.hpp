#pragma once
/// \file
/// Philox on lanes: the blocks of many counters at once, their words as numbers, and the two ways
/// to lay numbers out. Lanes are computed alike whatever they count, so both layouts hold the same
/// bits.

#include <bijou/kernels/math.hpp>
#include <bijou/random/philox.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace bijou::inline BIJOU_ISA::detail {

/// Counters in 64-bit lanes, of which each word uses the low half: a product's high and low halves
/// then need no shuffling. The low half of each lane is a word; the high half is anything.
using wide = simd::bits<std::uint64_t>;
using wide_block = std::array<wide, 4>;

/// The key of every round, once for many blocks.
struct round_keys {
  std::array<std::uint64_t, philox_rounds::count> first, second;
  explicit round_keys(const philox& noise) {
    philox::key_type key = noise.key();
    for (std::size_t round = 0; round < first.size(); ++round) {
      first[round] = key[0];
      second[round] = key[1];
      key = {key[0] + philox_rounds::weyl_0, key[1] + philox_rounds::weyl_1};
    }
  }
};

/// Counters in, random words out. Several vectors at once hide one another's latency.
template <class... Blocks>
BIJOU_INLINE void philox_blocks(const round_keys& keys, Blocks&... blocks) {
  const wide m0(philox_rounds::multiplier_0), m1(philox_rounds::multiplier_1);
  for (std::size_t round = 0; round < keys.first.size(); ++round) {
    const wide k0(keys.first[round]), k1(keys.second[round]);
    const auto step = [&](wide_block& c) {
      const wide a = multiply_low(c[0], m0), b = multiply_low(c[2], m1);
      c = {simd::shift_right<32>(b) ^ (c[1] ^ k0), b, simd::shift_right<32>(a) ^ (c[3] ^ k1), a};
    };
    (step(blocks), ...);
  }
}

/// What lanes count. In a tile they are samples; for a single event, the blocks of its sample.
struct lanes_are_samples {
  std::uint64_t first;
  std::uint32_t block;
  BIJOU_INLINE wide_block counter(wide lane, domain use) const {
    const wide sample = wide(first) + lane;
    return {sample, simd::shift_right<32>(sample), wide(block),
            wide(static_cast<std::uint32_t>(use))};
  }
};
struct lanes_are_blocks {
  std::uint64_t sample;
  std::uint32_t first;
  BIJOU_INLINE wide_block counter(wide lane, domain use) const {
    return {wide(sample), wide(sample >> 32), wide(first) + lane,
            wide(static_cast<std::uint32_t>(use))};
  }
};

/// 0, Step, 2 Step ... plus Offset.
template <int Step> BIJOU_INLINE wide lane_numbers(std::uint64_t offset) {
  alignas(64) static constexpr std::uint64_t numbers[8] = {0,        Step,     2 * Step, 3 * Step,
                                                           4 * Step, 5 * Step, 6 * Step, 7 * Step};
  return wide::load(numbers) + wide(offset);
}

/// What a block gives each lane: four words for float, two of 64 bits (low half first) for double.
template <class T> inline constexpr int per_block = 16 / static_cast<int>(sizeof(T));
template <class T> using lane_words = std::array<simd::bits<simd::word<T>>, per_block<T>>;

template <class T, class Lanes>
BIJOU_INLINE lane_words<T> words(const Lanes& lanes, domain use, const round_keys& keys) {
  if constexpr (sizeof(T) == 4) {
    // Even lanes in one vector of counters, odd ones in another.
    wide_block even = lanes.counter(lane_numbers<2>(0), use);
    wide_block odd = lanes.counter(lane_numbers<2>(1), use);
    philox_blocks(keys, even, odd);
    return {interleave_low(even[0], odd[0]), interleave_low(even[1], odd[1]),
            interleave_low(even[2], odd[2]), interleave_low(even[3], odd[3])};
  } else {
    wide_block c = lanes.counter(lane_numbers<1>(0), use);
    philox_blocks(keys, c);
    const wide low(0xffffffffU);
    return {(c[0] & low) | simd::shift_left<32>(c[1]), (c[2] & low) | simd::shift_left<32>(c[3])};
  }
}

/// The word's top bits as (k + 1/2) / 2^23, or 2^52: evenly spaced, symmetric, never 0 or 1.
template <class T> BIJOU_INLINE simd::pack<T> open_unit(simd::bits<simd::word<T>> w) {
  constexpr int fraction = math::detail::format<T>::fraction;
  constexpr int unused = static_cast<int>(sizeof(T)) * 8 - fraction;
  const simd::pack<T> one(T(1));
  // Exact: bits below 1 are one more than bits above it.
  const auto in_1_2 = simd::from_bits<T>(simd::shift_right<unused>(w) | to_bits(one));
  return in_1_2 - simd::pack<T>(T(1) - std::numeric_limits<T>::epsilon() / 2);
}

/// The first `count` lanes to p.
template <class T> BIJOU_INLINE void store_lanes(simd::pack<T> x, T* p, int count) {
  if (count >= simd::pack<T>::size) return x.store(p);
  std::array<T, simd::pack<T>::batch::size> spare;
  x.store(spare.data());
  std::copy_n(spare.data(), count, p);
}

/// `Numbers` of D values for n samples from `first` on: value d of sample first + t to
/// p[d * row_stride + t].
template <class Numbers, class T>
void fill_tile(const philox& noise, domain use, std::uint64_t first, int D, T* p,
               std::ptrdiff_t row_stride, int n) {
  const round_keys keys(noise);
  for (int d = 0; d < D; d += per_block<T>) {
    const auto block = static_cast<std::uint32_t>(d / per_block<T>);
    T* row = p + d * row_stride;
    for (int t = 0; t < n; t += simd::pack<T>::size) {
      const lanes_are_samples lanes{first + static_cast<std::uint64_t>(t), block};
      const auto w = words<T>(lanes, use, keys);
      T* q = row + t;
      const int left = n - t;
      if constexpr (per_block<T> == 4) {
        if (d + 2 < D) {
          const auto [x0, x1, x2, x3] = Numbers::four(w[0], w[1], w[2], w[3]);
          store_lanes(x0, q, left);
          store_lanes(x1, q + row_stride, left);
          store_lanes(x2, q + 2 * row_stride, left);
          if (d + 3 < D) store_lanes(x3, q + 3 * row_stride, left);
          continue;
        }
      }
      const auto [x0, x1] = Numbers::two(w[0], w[1]);
      store_lanes(x0, q, left);
      if (d + 1 < D) store_lanes(x1, q + row_stride, left);
    }
  }
}

/// The same numbers of one sample, contiguous.
template <class Numbers, class T>
void fill_event(const philox& noise, domain use, std::uint64_t sample, std::span<T> z) {
  using P = simd::pack<T>;
  const round_keys keys(noise);
  constexpr std::size_t size = P::size, each = per_block<T>;
  for (std::size_t d = 0; d < z.size(); d += each * size) {
    const auto w =
        words<T>(lanes_are_blocks{sample, static_cast<std::uint32_t>(d / each)}, use, keys);
    std::array<std::array<T, size>, each> rows;
    for (std::size_t j = 0; j < each; j += 2) {
      const auto pair = Numbers::two(w[j], w[j + 1]);
      pair[0].store(rows[j].data());
      pair[1].store(rows[j + 1].data());
    }
    const std::size_t count = std::min(z.size() - d, each * size);
    for (std::size_t i = 0; i < count; ++i) z[d + i] = rows[i % each][i / each];
  }
}

} // namespace bijou::inline BIJOU_ISA::detail

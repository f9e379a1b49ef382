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
    const auto step = [&](wide_block & c) __attribute__((always_inline)) {
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

/// Numbers a block gives: a float for each word, a double for each two.
template <class T> inline constexpr int per_block = 16 / static_cast<int>(sizeof(T));

/// Lanes computed at a time: two vectors of counters hide each other's latency and fit in
/// registers.
inline constexpr int lanes_at_once = 2 * wide::size;

/// The words of the blocks of so many lanes. float: word j of all lanes at j. double: 64-bit words,
/// low half first, word j of the first half of the lanes at j, of the second half at 2 + j.
template <class T, class Lanes>
BIJOU_INLINE std::array<simd::bits<simd::word<T>>, 4> words(const Lanes& lanes, domain use,
                                                            const round_keys& keys) {
  if constexpr (sizeof(T) == 4) {
    // Even lanes are one vector of counters, odd lanes the other.
    wide_block even = lanes.counter(lane_numbers<2>(0), use);
    wide_block odd = lanes.counter(lane_numbers<2>(1), use);
    philox_blocks(keys, even, odd);
    return {interleave_low(even[0], odd[0]), interleave_low(even[1], odd[1]),
            interleave_low(even[2], odd[2]), interleave_low(even[3], odd[3])};
  } else {
    wide_block a = lanes.counter(lane_numbers<1>(0), use);
    wide_block b = lanes.counter(lane_numbers<1>(wide::size), use);
    philox_blocks(keys, a, b);
    const wide low(0xffffffffU);
    return {(a[0] & low) | simd::shift_left<32>(a[1]), (a[2] & low) | simd::shift_left<32>(a[3]),
            (b[0] & low) | simd::shift_left<32>(b[1]), (b[2] & low) | simd::shift_left<32>(b[3])};
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

/// A word as a number of (0, 1] that has all its digits near 0, where the tails of distributions
/// are: (2 k + 1) / 2^32 for k of 31 bits in float, the largest rounded to 1, and (k + 1) / 2^53 in
/// double. The word's last bit plays no part: see last_bit.
template <class T> BIJOU_INLINE simd::pack<T> tail_unit(simd::bits<simd::word<T>> w) {
  using P = simd::pack<T>;
  if constexpr (sizeof(T) == 4) {
    const P k(simd::to_float(simd::shift_right<1>(w)));
    return fma(k, P(0x1p-31F), P(0x1p-32F));
  } else {
    const P one(1.0), unit(0x1p52);
    const P high = simd::from_bits<double>(simd::shift_right<12>(w) | to_bits(one)) - one;
    const P last =
        simd::from_bits<double>((simd::shift_right<11>(w) & wide(1)) | to_bits(unit)) - unit;
    return fma(last, P(0x1p-53), P(0x1p-53)) + high;
  }
}
/// The word's last bit, independent of tail_unit, as the sign of a zero.
template <class T> BIJOU_INLINE simd::pack<T> last_bit(simd::bits<simd::word<T>> w) {
  return simd::from_bits<T>(simd::shift_left<static_cast<int>(sizeof(T)) * 8 - 1>(w));
}

/// The first `count` lanes to p.
template <class T> BIJOU_INLINE void store_lanes(simd::pack<T> x, T* p, int count) {
  if (count >= simd::pack<T>::size) return x.store(p);
  if (count <= 0) return;
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
    for (int t = 0; t < n; t += lanes_at_once) {
      const lanes_are_samples lanes{first + static_cast<std::uint64_t>(t), block};
      const auto w = words<T>(lanes, use, keys);
      T* q = p + d * row_stride + t;
      const int left = n - t;
      if (per_block<T> == 4 && d + 2 >= D) {
        const auto [x0, x1] = Numbers::two(w[0], w[1]);
        store_lanes(x0, q, left);
        if (d + 1 < D) store_lanes(x1, q + row_stride, left);
        continue;
      }
      const auto [x0, x1, x2, x3] = Numbers::four(w[0], w[1], w[2], w[3]);
      store_lanes(x0, q, left);
      if (d + 1 < D) store_lanes(x1, q + row_stride, left);
      if constexpr (per_block<T> == 4) {
        store_lanes(x2, q + 2 * row_stride, left);
        if (d + 3 < D) store_lanes(x3, q + 3 * row_stride, left);
      } else {
        constexpr int size = simd::pack<T>::size;
        store_lanes(x2, q + size, left - size);
        if (d + 1 < D) store_lanes(x3, q + size + row_stride, left - size);
      }
    }
  }
}

/// The same numbers of one sample, contiguous.
template <class Numbers, class T>
void fill_event(const philox& noise, domain use, std::uint64_t sample, std::span<T> z) {
  constexpr std::size_t size = simd::pack<T>::size, each = per_block<T>, lanes = lanes_at_once;
  const round_keys keys(noise);
  for (std::size_t d = 0; d < z.size(); d += each * lanes) {
    const auto w =
        words<T>(lanes_are_blocks{sample, static_cast<std::uint32_t>(d / each)}, use, keys);
    const auto [x0, x1, x2, x3] = Numbers::four(w[0], w[1], w[2], w[3]);
    // Number j of lane l, which the sample has at each * l + j.
    alignas(64) std::array<T, each * lanes> rows;
    x0.store(rows.data());
    x1.store(rows.data() + lanes);
    if constexpr (each == 4) {
      x2.store(rows.data() + 2 * lanes);
      x3.store(rows.data() + 3 * lanes);
    } else {
      x2.store(rows.data() + size);
      x3.store(rows.data() + size + lanes);
    }
    const std::size_t count = std::min(z.size() - d, each * lanes);
    for (std::size_t i = 0; i < count; ++i) z[d + i] = rows[i % each * lanes + i / each];
  }
}

/// Numbers that take two words each, number(a, b): D values for n samples, as fill_tile lays them
/// out. A block has two of them in float, one in double: value d of a sample is in block d / 2, or
/// d.
template <class T, class Number>
void fill_tile_of_pairs(const philox& noise, domain use, std::uint64_t first, int D, T* p,
                        std::ptrdiff_t row_stride, int n, const Number& number) {
  constexpr int each = per_block<T> / 2;
  const round_keys keys(noise);
  for (int d = 0; d < D; d += each) {
    const auto block = static_cast<std::uint32_t>(d / each);
    for (int t = 0; t < n; t += lanes_at_once) {
      const lanes_are_samples lanes{first + static_cast<std::uint64_t>(t), block};
      const auto w = words<T>(lanes, use, keys);
      T* q = p + d * row_stride + t;
      const int left = n - t;
      store_lanes(number(w[0], w[1]), q, left);
      if constexpr (each == 2) {
        if (d + 1 < D) store_lanes(number(w[2], w[3]), q + row_stride, left);
      } else {
        constexpr int size = simd::pack<T>::size;
        store_lanes(number(w[2], w[3]), q + size, left - size);
      }
    }
  }
}

/// The same numbers of one sample, contiguous.
template <class T, class Number>
void fill_event_of_pairs(const philox& noise, domain use, std::uint64_t sample, std::span<T> z,
                         const Number& number) {
  constexpr std::size_t each = per_block<T> / 2, lanes = lanes_at_once;
  const round_keys keys(noise);
  for (std::size_t d = 0; d < z.size(); d += each * lanes) {
    const auto w =
        words<T>(lanes_are_blocks{sample, static_cast<std::uint32_t>(d / each)}, use, keys);
    // Number j of lane l, which the sample has at each * l + j; of doubles the second half of the
    // lanes follows the first.
    alignas(64) std::array<T, each * lanes> rows;
    number(w[0], w[1]).store(rows.data());
    number(w[2], w[3]).store(rows.data() + each * lanes / 2);
    const std::size_t count = std::min(z.size() - d, each * lanes);
    for (std::size_t i = 0; i < count; ++i) z[d + i] = rows[i % each * lanes + i / each];
  }
}

} // namespace bijou::inline BIJOU_ISA::detail

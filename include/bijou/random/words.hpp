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

template <std::size_t Vectors>
BIJOU_INLINE void philox_blocks(std::array<wide_block, Vectors>& blocks, const round_keys& keys) {
  const wide m0(philox_rounds::multiplier_0), m1(philox_rounds::multiplier_1);
  for (std::size_t round = 0; round < keys.first.size(); ++round) {
    const wide k0(keys.first[round]), k1(keys.second[round]);
    for (wide_block& c : blocks) {
      const wide a = multiply_low(c[0], m0), b = multiply_low(c[2], m1);
      c = {simd::shift_right<32>(b) ^ (c[1] ^ k0), b, simd::shift_right<32>(a) ^ (c[3] ^ k1), a};
    }
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
    std::array<wide_block, 2> c = {lanes.counter(lane_numbers<2>(0), use),
                                   lanes.counter(lane_numbers<2>(1), use)};
    philox_blocks(c, keys);
    return {interleave_low(c[0][0], c[1][0]), interleave_low(c[0][1], c[1][1]),
            interleave_low(c[0][2], c[1][2]), interleave_low(c[0][3], c[1][3])};
  } else {
    std::array<wide_block, 1> c = {lanes.counter(lane_numbers<1>(0), use)};
    philox_blocks(c, keys);
    const wide low(0xffffffffU);
    return {(c[0][0] & low) | simd::shift_left<32>(c[0][1]),
            (c[0][2] & low) | simd::shift_left<32>(c[0][3])};
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

/// The word as a number in (0, 1] for the logarithm of a radius: of all 32 bits, for small numbers
/// are the far tail. (w + 1/2) / 2^32, the largest of which round to 1.
BIJOU_INLINE simd::pack<float> radius_unit(simd::bits<std::uint32_t> w) {
  using B = simd::bits<std::uint32_t>;
  using P = simd::pack<float>;
  // Halves written into the fractions of 2^39 and 2^23: the first difference is exact.
  const P high = simd::from_bits<float>(simd::shift_right<16>(w) | B(0x53000000U));
  const P low = simd::from_bits<float>((w & B(0xffffU)) | B(0x4b000000U));
  return fma((high - P(0x1p39F + 0x1p23F)) + low, P(0x1p-32F), P(0x1p-33F));
}
/// (w + 1) / 2^53 of the top 53 bits, exactly.
BIJOU_INLINE simd::pack<double> radius_unit(simd::bits<std::uint64_t> w) {
  using B = simd::bits<std::uint64_t>;
  using P = simd::pack<double>;
  const P one(1.0), base(0x1p52);
  const P high = simd::from_bits<double>(simd::shift_right<12>(w) | to_bits(one)) - one;
  const P last = simd::from_bits<double>((simd::shift_right<11>(w) & B(1)) | to_bits(base)) - base;
  return fma(last, P(0x1p-53), P(0x1p-53)) + high;
}

/// `Numbers` of D values for n samples from `first` on: value d of sample first + t to
/// p[d * row_stride + t].
template <class Numbers, class T>
void fill_tile(const philox& noise, domain use, std::uint64_t first, int D, T* p,
               std::ptrdiff_t row_stride, int n) {
  using P = simd::pack<T>;
  const round_keys keys(noise);
  for (int d = 0; d < D; d += per_block<T>) {
    const auto block = static_cast<std::uint32_t>(d / per_block<T>);
    for (int t = 0; t < n; t += P::size) {
      const auto w =
          words<T>(lanes_are_samples{first + static_cast<std::uint64_t>(t), block}, use, keys);
      for (int j = 0; j < per_block<T> && d + j < D; j += 2) {
        const auto pair =
            Numbers::pair(w[static_cast<std::size_t>(j)], w[static_cast<std::size_t>(j + 1)]);
        for (int i = 0; i < 2 && d + j + i < D; ++i) {
          T* row = p + (d + j + i) * row_stride + t;
          const P value = pair[static_cast<std::size_t>(i)];
          if (n - t >= P::size) {
            value.store(row);
          } else {
            std::array<T, P::size> spare;
            value.store(spare.data());
            std::copy_n(spare.data(), n - t, row);
          }
        }
      }
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
      const auto pair = Numbers::pair(w[j], w[j + 1]);
      pair[0].store(rows[j].data());
      pair[1].store(rows[j + 1].data());
    }
    const std::size_t count = std::min(z.size() - d, each * size);
    for (std::size_t i = 0; i < count; ++i) z[d + i] = rows[i % each][i / each];
  }
}

} // namespace bijou::inline BIJOU_ISA::detail

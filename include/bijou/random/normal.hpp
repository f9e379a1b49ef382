#pragma once
/// \file
/// Standard normal noise, addressed by sample: for tiles, and for single events.
///
/// Box and Muller, "A note on the generation of random normal deviates" (1958), on the words of
/// Philox blocks. Sample i's D numbers are a function of seed, stream and i; the first numbers of
/// sample i do not depend on D.

#include <bijou/kernels/math.hpp>
#include <bijou/random/philox.hpp>
#include <bijou/random/words.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// Two independent normals from two words: one is the radius, the other the direction.
struct normal_numbers {
  using words_32 = simd::bits<std::uint32_t>;
  using words_64 = simd::bits<std::uint64_t>;

  /// Logarithm of a uniform number in (0, 1]: small numbers are the far tail.
  static BIJOU_INLINE simd::pack<float> log_uniform(words_32 w) {
    return math::detail::log_normal(tail_unit<float>(w));
  }
  static BIJOU_INLINE simd::pack<double> log_uniform(words_64 w) {
    return math::detail::log_normal(tail_unit<double>(w));
  }

  template <class P> struct polar {
    P first, second;
  };
  /// The point at a distance in a random direction. Two bits choose one of the four half-axes: the
  /// first says which sign, the second which axis. The other bits are the angle from there, up to
  /// an eighth of a turn either way, so that all directions are equally likely.
  template <class B, class P> static BIJOU_INLINE polar<P> components(P radius, B direction) {
    using T = typename P::value_type;
    using U = typename B::value_type;
    constexpr int unused = static_cast<int>(sizeof(T)) * 8 - math::detail::format<T>::fraction;
    const B angle_bits = simd::shift_right<unused>(simd::shift_left<2>(direction));
    const P in_1_2 = simd::from_bits<T>(angle_bits | to_bits(P(T(1))));
    // The angle in turns: from -1/8 to 1/8, in steps of epsilon / 4, without the last one. To
    // centre it one would add half a step, but -0.375 plus half a step is no number of the type.
    // The mean is therefore off by 6e-8 in float and by 1e-16 in double.
    const auto [across, along] = math::detail::sincos_octant(fma(in_1_2, P(T(0.25)), P(T(-0.375))));
    const B sign(std::bit_cast<U>(T(-0.0))), second_bit(std::bit_cast<U>(T(2)));
    const P first = radius * simd::from_bits<T>(to_bits(along) ^ (direction & sign));
    const P second = radius * across;
    const auto exchange = simd::from_bits<T>(direction & second_bit) > P(T(0));
    return {select(exchange, second, first), select(exchange, first, second)};
  }

  template <class B> static BIJOU_INLINE auto two(B a, B b) {
    const auto square = log_uniform(a) * -2;
    const auto x = components(sqrt(square), b);
    return std::array{x.first, x.second};
  }
  /// Step by step for both pairs: one pair's latency hides in the other's.
  template <class B> static BIJOU_INLINE auto four(B a, B b, B c, B d) {
    const auto log_a = log_uniform(a), log_c = log_uniform(c);
    const auto square_a = log_a * -2, square_c = log_c * -2;
    const auto radius_a = sqrt(square_a), radius_c = sqrt(square_c);
    const auto x = components(radius_a, b), y = components(radius_c, d);
    return std::array{x.first, x.second, y.first, y.second};
  }
};

} // namespace detail

/// Standard normals for a tile: value d < D of sample first_sample + t to p[d * row_stride + t],
/// for t < n. float reaches 6.6 standard deviations, double 8.5. The generator's position plays no
/// part.
template <class T>
void fill_normal(const philox& noise, std::uint64_t first_sample, int D, T* p,
                 std::ptrdiff_t row_stride, int n) {
  detail::fill_tile<detail::normal_numbers>(noise, domain::draws, first_sample, D, p, row_stride,
                                            n);
}

/// The normals of one sample, z[d] for d < z.size(): the same bits as in a tile.
template <class T> void fill_normal(const philox& noise, std::uint64_t sample, std::span<T> z) {
  detail::fill_event<detail::normal_numbers>(noise, domain::draws, sample, z);
}

} // namespace bijou::inline BIJOU_ISA

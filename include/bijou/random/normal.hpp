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
  template <class B> static BIJOU_INLINE auto pair(B radius_word, B direction) {
    using T = std::conditional_t<sizeof(typename B::value_type) == 4, float, double>;
    using P = simd::pack<T>;
    using U = typename B::value_type;
    const P radius = sqrt(math::detail::log_normal(radius_unit(radius_word)) * P(T(-2)));

    // All but two bits are an angle within an eighth of a turn of the first axis. One of the two
    // mirrors the axis, the other exchanges it with the second: every direction is as likely.
    constexpr int fraction = math::detail::format<T>::fraction;
    constexpr int unused = static_cast<int>(sizeof(T)) * 8 - fraction;
    const P in_1_2 = simd::from_bits<T>(simd::shift_right<unused>(simd::shift_left<2>(direction)) |
                                        to_bits(P(T(1))));
    const P angle = fma(in_1_2, P(T(0.25)), P(T(-0.375) + std::numeric_limits<T>::epsilon() / 8));
    const auto [across, along] = math::detail::sincos_octant(angle);

    const B sign(std::bit_cast<U>(T(-0.0)));
    const P first = radius * simd::from_bits<T>(to_bits(along) ^ (direction & sign));
    const P second = radius * across;
    const auto exchange = simd::from_bits<T>(direction & B(std::bit_cast<U>(T(2)))) > P(T(0));
    return std::array<P, 2>{select(exchange, second, first), select(exchange, first, second)};
  }
};

} // namespace detail

/// Standard normals for a tile: value d < D of sample first_sample + t to p[d * row_stride + t],
/// for t < n. float reaches 6.7 standard deviations, double 8.5. The generator's position plays no
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

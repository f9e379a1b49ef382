#pragma once
/// \file
/// Uniform noise on the open unit interval, addressed by sample: for tiles, and for single events.
///
/// Numbers are (k + 1/2) / 2^23 in float and (k + 1/2) / 2^52 in double: never 0 or 1, symmetric
/// about 1/2, so a logit of one is finite. Sample i's D numbers are a function of seed, stream and
/// i; the first numbers of sample i do not depend on D.

#include <bijou/random/philox.hpp>
#include <bijou/random/words.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

namespace detail {

struct uniform_numbers {
  template <class B> static BIJOU_INLINE auto number(B w) {
    return open_unit<std::conditional_t<sizeof(typename B::value_type) == 4, float, double>>(w);
  }
  template <class B> static BIJOU_INLINE auto two(B a, B b) {
    return std::array{number(a), number(b)};
  }
  template <class B> static BIJOU_INLINE auto four(B a, B b, B c, B d) {
    return std::array{number(a), number(b), number(c), number(d)};
  }
};

} // namespace detail

/// Uniforms in (0, 1) for a tile: value d < D of sample first_sample + t to p[d * row_stride + t],
/// for t < n. The generator's position plays no part.
template <class T>
void fill_uniform(const philox& noise, std::uint64_t first_sample, int D, T* p,
                  std::ptrdiff_t row_stride, int n) {
  detail::fill_tile<detail::uniform_numbers>(noise, domain::draws, first_sample, D, p, row_stride,
                                             n);
}

/// The uniforms of one sample, z[d] for d < z.size(): the same bits as in a tile.
template <class T> void fill_uniform(const philox& noise, std::uint64_t sample, std::span<T> z) {
  detail::fill_event<detail::uniform_numbers>(noise, domain::draws, sample, z);
}

} // namespace bijou::inline BIJOU_ISA

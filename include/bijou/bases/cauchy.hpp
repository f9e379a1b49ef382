#pragma once
/// \file
/// `cauchy<D>`: D independent variables of Cauchy's distribution, with location 0 and scale 1.
///
///     p(x) = 1 / (pi (1 + x^2))        log p(x) = -log pi - log(1 + x^2)
///     dlog p/dx = -2 x / (1 + x^2)     P(x) = 1/2 + atan(x) / pi
///
/// Its tails are so heavy that no moment exists: means of samples do not settle. The density is
/// right for all finite numbers, also where x^2 is beyond them. Samples are cot(pi u / 2) with a
/// random sign, u uniform: they reach 2.7e9 in float, 5.7e15 in double.
///
/// Source: Johnson, Kotz & Balakrishnan 1994, "Continuous Univariate Distributions", volume 1,
/// chapter 16.

#include <bijou/bases/independent.hpp>

namespace bijou::inline BIJOU_ISA {

namespace detail {
/// log(1 + x^2), also where x^2 is beyond the numbers of the type.
template <class P> BIJOU_INLINE P log_one_plus_square(P x) {
  using T = typename P::value_type;
  // Far out it is 2 log(1 + |x|) to the last bit.
  constexpr T far = sizeof(T) == 4 ? T(0x1p40) : static_cast<T>(0x1p400);
  const P magnitude = abs(x);
  const auto is_far = magnitude > P(far);
  const P y = math::log1p(select(is_far, magnitude, magnitude * magnitude));
  return select(is_far, y + y, y);
}
} // namespace detail

struct cauchy_law {
  static constexpr const char* name = "cauchy";
  static constexpr kind support = kind::line;

  template <class P> static BIJOU_INLINE P log_shape(P x) {
    return -detail::log_one_plus_square(x);
  }
  static constexpr double log_scale() { return -1.1447298858494001741; } // -log pi
  /// As -2 / (x + 1/x), which neither overflows nor cancels.
  template <class P> static BIJOU_INLINE P score(P x) { return P(-2) / (x + P(1) / x); }
  template <class B> static BIJOU_INLINE auto number(B w) {
    using T = detail::number_as_wide<B>;
    using P = simd::pack<T>;
    const auto [sin, cos] = math::sincos_2pi(P(T(0.25)) * detail::tail_unit<T>(w));
    return copysign(cos / sin, detail::last_bit<T>(w));
  }
};

/// D independent Cauchy variables, p(x) = 1 / (pi (1 + x^2)) each.
template <int D>
  requires(D > 0)
inline constexpr independent_t<cauchy_law, D> cauchy{};

} // namespace bijou::inline BIJOU_ISA

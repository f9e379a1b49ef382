#pragma once
/// \file
/// `laplace<D>`: D independent variables of Laplace's distribution, with location 0 and scale 1.
///
///     p(x) = exp(-|x|) / 2        log p(x) = -|x| - log 2        dlog p/dx = -sign(x)
///     P(x) = exp(x) / 2 below 0, 1 - exp(-x) / 2 above
///
/// The score at the peak, where there is no derivative, is 0. Mean 0, variance 2. Samples are
/// -log(u) with a random sign, u uniform: they reach 22 in float, 36 in double. The scale e^s and
/// the location of each variable are learned by `laplace<4> | affine`.
///
/// Source: Johnson, Kotz & Balakrishnan 1995, "Continuous Univariate Distributions", volume 2,
/// chapter 24.

#include <bijou/bases/independent.hpp>

namespace bijou::inline BIJOU_ISA {

struct laplace_law {
  static constexpr const char* name = "laplace";
  static constexpr kind support = kind::line;

  template <class P> static BIJOU_INLINE P log_shape(P x) { return -abs(x); }
  static constexpr double log_scale() { return -0.69314718055994530942; } // -log 2
  template <class P> static BIJOU_INLINE P score(P x) {
    const P one(1);
    return select(x > P(0), -one, select(x < P(0), one, x)); // NaN stays
  }
  template <class B> static BIJOU_INLINE auto number(B w) {
    using T = detail::number_as_wide<B>;
    return copysign(math::detail::log_normal(detail::tail_unit<T>(w)), detail::last_bit<T>(w));
  }
};

/// D independent Laplace variables, p(x) = exp(-|x|) / 2 each.
template <int D>
  requires(D > 0)
inline constexpr independent_t<laplace_law, D> laplace{};

} // namespace bijou::inline BIJOU_ISA

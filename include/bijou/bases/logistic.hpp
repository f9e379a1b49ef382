#pragma once
/// \file
/// `logistic<D>`: D independent variables of the logistic distribution, location 0 and scale 1.
///
///     p(x) = s(x) s(-x), s(x) = 1 / (1 + exp(-x)), which is the distribution function
///     log p(x) = -|x| - 2 log(1 + exp(-|x|))        dlog p/dx = -tanh(x / 2)
///
/// Mean 0, variance pi^2 / 3. `logistic<D> | sigmoid_map` is uniform on the unit box. Samples are
/// log((2 - u) / u) with a random sign, u uniform: they reach 22 in float, 37 in double.
///
/// Source: Johnson, Kotz & Balakrishnan 1995, "Continuous Univariate Distributions", volume 2,
/// chapter 23.

#include <bijou/bases/independent.hpp>

namespace bijou::inline BIJOU_ISA {

struct logistic_law {
  static constexpr const char* name = "logistic";
  static constexpr kind support = kind::line;

  template <class P> static BIJOU_INLINE P log_shape(P x) {
    const P magnitude = abs(x), e = math::exp(-magnitude);
    return fnma(P(2), math::detail::log1p_unit(e), -magnitude);
  }
  static constexpr double log_scale() { return 0; }
  template <class P> static BIJOU_INLINE P score(P x) { return -math::tanh(P(0.5F) * x); }
  template <class B> static BIJOU_INLINE auto number(B w) {
    using T = detail::number_as_wide<B>;
    const simd::pack<T> u = detail::tail_unit<T>(w), one(T(1));
    // Both terms are positive, so that nothing cancels in the middle either.
    const auto magnitude = math::detail::log1p_unit(one - u) - math::detail::log_normal(u);
    return copysign(magnitude, detail::last_bit<T>(w));
  }
};

/// D independent logistic variables, whose distribution function is the sigmoid.
template <int D>
  requires(D > 0)
inline constexpr independent_t<logistic_law, D> logistic{};

} // namespace bijou::inline BIJOU_ISA

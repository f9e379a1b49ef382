#pragma once
/// \file
/// `exponential<D>`: D independent variables of the exponential distribution of rate 1, on (0,
/// inf).
///
///     p(x) = exp(-x), x > 0        log p(x) = -x        dlog p/dx = -1        P(x) = 1 - exp(-x)
///
/// Mean 1, variance 1. Words that learn live on the line: `exponential<4> | inverse(exp_map)` or
/// `inverse(softplus_map)` goes there. Samples are -log(u), u uniform and fine at both ends, since
/// the small ones of a positive number count as much as the large: from 1.2e-10 to 22.8 in float,
/// from 5.6e-17 to 37.4 in double.
///
/// Source: Johnson, Kotz & Balakrishnan 1994, "Continuous Univariate Distributions", volume 1,
/// chapter 19.

#include <bijou/bases/independent.hpp>

#include <limits>

namespace bijou::inline BIJOU_ISA {

struct exponential_law {
  static constexpr const char* name = "exponential";
  static constexpr kind support = kind::positive;

  /// -inf below 0: noise that is given to a flow is not compared with the support.
  template <class P> static BIJOU_INLINE P log_shape(P x) {
    using T = typename P::value_type;
    return select(x < P(T(0)), P(-std::numeric_limits<T>::infinity()), -x);
  }
  static constexpr double log_scale() { return 0; }
  template <class P> static BIJOU_INLINE P score(P x) { return select(math::isnan(x), x, P(-1)); }
  /// -log(p) or -log(1 - p) for p in (0, 1/2]: the last bit says which.
  template <class B> static BIJOU_INLINE auto number(B w) {
    using T = detail::number_as_wide<B>;
    using P = simd::pack<T>;
    const P p = P(T(0.5)) * detail::tail_unit<T>(w), one(T(1));
    const auto lower = copysign(one, detail::last_bit<T>(w)) > P(T(0));
    return -select(lower, math::log1p(-p), math::detail::log_normal(p));
  }
};

/// D independent exponential variables, p(x) = exp(-x) for x > 0 each.
template <int D>
  requires(D > 0)
inline constexpr independent_t<exponential_law, D> exponential{};

} // namespace bijou::inline BIJOU_ISA

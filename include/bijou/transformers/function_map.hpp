#pragma once
/// \file
/// A user's function of one variable as a transformer: see bijectors/elementwise.hpp.

#include <bijou/grammar/kind.hpp>
#include <bijou/kernels/dual.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/transformers/transformer.hpp>

#include <limits>

namespace bijou::inline BIJOU_ISA {

namespace detail {
template <class F> constexpr kind domain_of() {
  if constexpr (requires { F::domain; })
    return F::domain;
  else
    return kind::line;
}
template <class F> constexpr kind image_of() {
  if constexpr (requires { F::image; })
    return F::image;
  else
    return kind::line;
}

/// v moved to the nearest number of a set: e^x underflows to 0 and overflows to infinity, neither
/// of which is a positive number, and a flow must not draw what it scores -inf. A NaN stays.
template <kind K, class F, class P> BIJOU_INLINE P moved_into(const F& f, P v) {
  using T = typename math::scalar_of<P>::type;
  using limits = std::numeric_limits<T>;
  const auto clamped = [&](T low, T high) { return math::max(P(low), math::min(P(high), v)); };
  if constexpr (K == kind::positive)
    return clamped(limits::min(), limits::max());
  else if constexpr (K == kind::unit)
    return clamped(0, 1);
  else if constexpr (K == kind::symmetric)
    return clamped(-1 + limits::epsilon() / 2, 1 - limits::epsilon() / 2);
  else if constexpr (K == kind::interval)
    return clamped(static_cast<T>(f.low), static_cast<T>(f.high));
  else
    return v;
}

/// Where e^x overflows so does its slope, and an infinity times a cotangent of 0 would be NaN.
template <class P> BIJOU_INLINE P kept_finite(P v) {
  const P most(std::numeric_limits<typename P::value_type>::max());
  return math::max(-most, math::min(most, v));
}
} // namespace detail

/// A function struct in the clothes of a transformer without parameters.
template <class F> struct function_map {
  using bijou_tag = transformer_tag;
  static constexpr int parameters = 0;
  static constexpr bool has_factor = false;
  [[no_unique_address]] F f;

  template <class P, class Theta> mapped<P> forward(P x, const Theta&) const {
    return {detail::moved_into<detail::image_of<F>()>(f, f.forward(x)), f.log_abs_slope(x)};
  }
  template <class P, class Theta> mapped<P> inverse(P y, const Theta&) const {
    const P x = detail::moved_into<detail::domain_of<F>()>(f, f.inverse(y));
    return {x, f.log_abs_slope(x)};
  }
  template <class P, class Theta> slopes<P> slope(P x, const Theta&) const {
    if constexpr (requires { f.slope(x); }) {
      return f.slope(x);
    } else {
      const dual<P> seed{x, P(1)};
      return {f.forward(seed).derivative, f.log_abs_slope(seed).derivative};
    }
  }
  template <class P, class Theta, class Sink>
  P pull_back(P x, const Theta& theta, P gy, P gl, Sink&&) const {
    const slopes<P> s = slope(x, theta);
    return fma(gy, detail::kept_finite(s.slope), gl * detail::kept_finite(s.dlog));
  }
  /// Near the ends of an image the slope is next to nothing.
  template <class P, class Theta, class Sink>
  P pull_back_inverse(P x, P, const Theta& theta, P gx, P gl, Sink&&) const {
    const slopes<P> s = slope(x, theta);
    return detail::cotangent_quotient(fnma(gl, s.dlog, gx), s.slope);
  }
};

} // namespace bijou::inline BIJOU_ISA

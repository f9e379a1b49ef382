#pragma once
/// \file
/// y = tanh x, from the line onto (-1, 1).
///
///     log(dy/dx) = 2 (log 2 - |x| - log(1 + e^-2|x|))      dlog/dx = -2 tanh x
///     x = sign(y) log1p(2|y| / (1 - |y|)) / 2
///
/// Definition as torch's TanhTransform, but y keeps clear of -1 and 1 by the last bit, and the
/// inverse moves its argument there too: a round trip stays finite for every x.

#include <bijou/bijectors/elementwise.hpp>
#include <bijou/kernels/dual.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/transformers/transformer.hpp>

#include <limits>

namespace bijou::inline BIJOU_ISA {

struct tanh_function {
  static constexpr const char* name = "tanh_map";
  static constexpr kind domain = kind::line, image = kind::symmetric;

  template <class X> BIJOU_INLINE X forward(X x) const {
    using math::tanh;
    return inside(tanh(x));
  }
  template <class X> BIJOU_INLINE X inverse(X y) const {
    using math::abs, math::log1p, math::select;
    const X a = abs(inside(y));
    const X x = X(0.5) * log1p((a + a) / (X(1) - a));
    return select(y < X(0), -x, x);
  }
  template <class X> BIJOU_INLINE X log_abs_slope(X x) const {
    using math::abs, math::softplus;
    using T = typename math::scalar_of<X>::type;
    const X half = X(T(0.69314718055994530942)) - abs(x) - softplus(X(-2) * abs(x));
    return half + half;
  }
  template <class P> BIJOU_INLINE slopes<P> slope(P x) const {
    return {P(4) * math::detail::logistic_slope(x + x), P(-2) * math::tanh(x)};
  }

 private:
  template <class X> static BIJOU_INLINE X inside(X y) {
    using math::max, math::min;
    using T = typename math::scalar_of<X>::type;
    const X bound(1 - std::numeric_limits<T>::epsilon() / 2);
    return max(-bound, min(bound, y)); // bounds first: a NaN stays
  }
};

/// y = tanh x, the line onto (-1, 1).
inline constexpr elementwise_t<tanh_function> tanh_map{};

} // namespace bijou::inline BIJOU_ISA

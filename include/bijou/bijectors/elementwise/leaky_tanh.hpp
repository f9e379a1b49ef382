#pragma once
/// \file
/// y = tanh x where |x| <= m, and straight on beyond, from the line onto the line:
/// `leaky_tanh_map(m)`.
///
///     y = sign(x) (tanh m + g (|x| - m)) beyond m,   g = 1 - tanh(m)^2 = 1 / cosh(m)^2
///     log(dy/dx) = 2 (log 2 - a - log(1 + e^-2a)),   a = min(|x|, m)
///     dlog/dx = -2 tanh x where |x| <= m, else 0
///     x = sign(y) log1p(2|y| / (1 - |y|)) / 2 where |y| <= tanh m,
///         else sign(y) (m + (|y| - tanh m) / g)
///
/// y and dy/dx are continuous, so a density behind this word is, too. What lies in the middle is
/// bent as by tanh_map; what lies far out keeps an inverse, and is scaled by 1 / g on its way back.
///
/// Definition as flowjax's LeakyTanh(m).

#include <bijou/bijectors/elementwise.hpp>
#include <bijou/kernels/constexpr_expm1.hpp>
#include <bijou/kernels/dual.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/transformers/option_text.hpp>
#include <bijou/transformers/transformer.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

namespace bijou::inline BIJOU_ISA {

struct leaky_tanh_function {
  double linear_from; ///< m: where |x| leaves the middle

  /// layers/elementwise_run.hpp makes its maps before it knows their options.
  constexpr leaky_tanh_function() : leaky_tanh_function(1) {}
  /// Throws std::invalid_argument unless 0 < m, finite.
  constexpr explicit leaky_tanh_function(double m) : linear_from(m) {
    if (!(m > 0) || m - m != 0)
      throw std::invalid_argument("leaky_tanh_map(max): expected a finite max > 0, got " +
                                  detail::number_text(m));
    const long double e = detail::constexpr_expm1(std::min(2 * m, 600.0)); // e^2m - 1
    tanh_ = static_cast<double>(e / (e + 2));
    slope_ = static_cast<double>(4 * (e + 1) / (e + 2) / (e + 2));
  }
  /// Throws std::invalid_argument if the middle ends where a T no longer tells tanh from 1.
  template <class T> void check_options() const {
    detail::require_normal<T>(linear_from, text(), "max", "choose a larger max");
    if (slope_ < double{std::numeric_limits<T>::epsilon()})
      detail::refuse_option<T>(text(),
                               "the slope from max on, " + detail::number_text(slope_) +
                                   ", is lost beside tanh(max)",
                               "choose a smaller max");
  }
  std::string text() const { return "leaky_tanh_map(" + detail::number_text(linear_from) + ")"; }

  template <class X> BIJOU_INLINE X forward(X x) const {
    using math::abs, math::fma, math::select, math::tanh;
    const X a = abs(x), m = number<X>(linear_from);
    const X far = fma(number<X>(slope_), a - m, number<X>(tanh_));
    return select(a <= m, tanh(x), select(x < X(0), -far, far));
  }
  template <class X> BIJOU_INLINE X inverse(X y) const {
    using math::abs, math::log1p, math::min, math::select;
    const X b = abs(y), end = number<X>(tanh_), middle = min(end, b);
    const X near = X(0.5) * log1p((middle + middle) / (X(1) - middle));
    const X size = select(b <= end, near, number<X>(linear_from) + (b - end) / number<X>(slope_));
    return select(y < X(0), -size, size);
  }
  template <class X> BIJOU_INLINE X log_abs_slope(X x) const {
    using math::softplus;
    const X a = within(x);
    const X half = number<X>(0.69314718055994530942) - a - softplus(X(-2) * a);
    return half + half;
  }
  template <class P> BIJOU_INLINE slopes<P> slope(P x) const {
    const P a = within(x);
    const auto straight = math::abs(x) > number<P>(linear_from);
    return {P(4) * math::detail::logistic_slope(a + a),
            math::select(straight, P(0), P(-2) * math::tanh(x))};
  }

 private:
  double tanh_ = 0, slope_ = 1; // tanh m and g

  template <class X> static BIJOU_INLINE X number(double v) {
    return X(static_cast<typename math::scalar_of<X>::type>(v));
  }
  /// min(|x|, m): the slope is that of the nearest point of the middle. A NaN stays.
  template <class X> BIJOU_INLINE X within(X x) const {
    using math::abs, math::min;
    return min(number<X>(linear_from), abs(x));
  }
};

/// y = tanh x for |x| <= max, and straight on with the slope there: the line onto the line.
/// \throws std::invalid_argument (a compile error in a constexpr expression) unless 0 < max, finite
constexpr auto leaky_tanh_map(double max) {
  return elementwise_t<leaky_tanh_function>{leaky_tanh_function(max)};
}

} // namespace bijou::inline BIJOU_ISA

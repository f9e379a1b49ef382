#pragma once
/// \file
/// y = s(x) = 1 / (1 + e^-x) from the line onto the unit interval, and y = low + (high - low) s(x)
/// onto any other.
///
///     log(dy/dx) = log(high - low) - |x| - 2 log(1 + e^-|x|)      dlog/dx = 1 - 2 s(x)
///     x = log u - log(1 - u),   u = (y - low) / (high - low)
///
/// Definition as torch's SigmoidTransform: s(x), and u before the logarithms, are clamped to
/// [smallest normal number, 1 - epsilon], so that a round trip stays finite for every x. The log
/// slope is that of the unclamped map.

#include <bijou/bijectors/elementwise.hpp>
#include <bijou/kernels/dual.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/transformers/option_text.hpp>
#include <bijou/transformers/transformer.hpp>

#include <limits>
#include <stdexcept>
#include <string>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// u clamped to where both log u and log(1 - u) are finite. A NaN stays.
template <class X> BIJOU_INLINE X inside_unit(X u) {
  using math::max, math::min;
  using limits = std::numeric_limits<typename math::scalar_of<X>::type>;
  return max(X(limits::min()), min(X(1 - limits::epsilon()), u));
}
/// log(u / (1 - u)).
template <class X> BIJOU_INLINE X logit(X u) {
  using math::log, math::log1p;
  return log(u) - log1p(-u);
}
/// log s'(x).
template <class X> BIJOU_INLINE X log_logistic_slope(X x) {
  using math::abs, math::softplus;
  const X a = abs(x), rest = softplus(-a);
  return -(a + (rest + rest));
}

/// Natural logarithm of v > 0 that constant expressions can take, to a few units in the last place:
/// v = m 2^n with m in [1/sqrt 2, sqrt 2], log m = 2 atanh((m - 1) / (m + 1)) by its series.
constexpr double constexpr_log(double v) {
  int n = 0;
  while (v > 1.4142135623730951) {
    v /= 2;
    ++n;
  }
  while (v < 0.70710678118654752) {
    v *= 2;
    --n;
  }
  const double z = (v - 1) / (v + 1), z2 = z * z;
  double sum = 0;
  for (int k = 25; k > 0; k -= 2) sum = sum * z2 + 1.0 / k;
  return 2 * z * sum + n * 0.69314718055994530942;
}

} // namespace detail

struct sigmoid_function {
  static constexpr const char* name = "sigmoid_map";
  static constexpr kind domain = kind::line, image = kind::unit;

  template <class X> BIJOU_INLINE X forward(X x) const {
    using math::sigmoid;
    return detail::inside_unit(sigmoid(x));
  }
  template <class X> BIJOU_INLINE X inverse(X y) const {
    return detail::logit(detail::inside_unit(y));
  }
  template <class X> BIJOU_INLINE X log_abs_slope(X x) const {
    return detail::log_logistic_slope(x);
  }
  template <class P> BIJOU_INLINE slopes<P> slope(P x) const {
    return {math::detail::logistic_slope(x), -math::tanh(P(0.5) * x)};
  }
};

/// The sigmoid onto [low, high].
struct interval_function {
  static constexpr kind domain = kind::line, image = kind::interval;
  double low = 0, high = 1;

  constexpr interval_function() = default;
  /// Throws std::invalid_argument unless low < high, both finite.
  constexpr interval_function(double low_end, double high_end) : low(low_end), high(high_end) {
    if (!(low < high) || high - low > std::numeric_limits<double>::max())
      throw std::invalid_argument("sigmoid onto [low, high]: expected finite low < high, got " +
                                  detail::number_text(low) + " and " + detail::number_text(high));
    log_width_ = detail::constexpr_log(high - low);
  }

  std::string text() const {
    return "interval_map(" + detail::number_text(low) + ", " + detail::number_text(high) + ")";
  }

  template <class X> BIJOU_INLINE X forward(X x) const {
    using math::fma, math::sigmoid;
    return fma(number<X>(high - low), detail::inside_unit(sigmoid(x)), number<X>(low));
  }
  template <class X> BIJOU_INLINE X inverse(X y) const {
    return detail::logit(detail::inside_unit((y - number<X>(low)) / number<X>(high - low)));
  }
  template <class X> BIJOU_INLINE X log_abs_slope(X x) const {
    return detail::log_logistic_slope(x) + number<X>(log_width_);
  }
  template <class P> BIJOU_INLINE slopes<P> slope(P x) const {
    return {math::detail::logistic_slope(x) * number<P>(high - low), -math::tanh(P(0.5) * x)};
  }

 private:
  double log_width_ = 0;

  template <class X> static BIJOU_INLINE X number(double v) {
    return X(static_cast<typename math::scalar_of<X>::type>(v));
  }
};

/// y = 1 / (1 + e^-x), the line onto the unit interval.
inline constexpr elementwise_t<sigmoid_function> sigmoid_map{};

/// The line onto [low, high]: low + (high - low) / (1 + e^-x). Bounds are numbers, so the compiler
/// knows that there is an interval and make_flow compares which.
/// \throws std::invalid_argument (a compile error in a constexpr expression) unless low < high
constexpr auto interval_map(double low, double high) {
  return elementwise_t<interval_function>{interval_function(low, high)};
}

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// y = x / (1 + |x / b|), from the line onto the interval from -b to b: `softclip_map(b)`.
///
///     log(dy/dx) = -2 log(1 + |x| / b)      dlog/dx = -2 sign(x) / (b + |x|)
///     x = y / (1 - |y| / b) = b y / (b - |y|)
///
/// The identity near 0, with tails that are powers: 1 - |y| / b = 1 / (1 + |x| / b). The inverse
/// goes by the distance from the end, which does not cancel, and knows the digits of b that the
/// type leaves out. y never passes an end by rounding, but may reach one. A y on an end counts as
/// the number beside it, so that both ends cost the same, and finitely much.
///
/// Definition as zuko's SoftclipTransform(b).

#include <bijou/bijectors/elementwise.hpp>
#include <bijou/bijectors/elementwise/sigmoid.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/transformers/option_text.hpp>
#include <bijou/transformers/transformer.hpp>

#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

namespace detail {
/// The bound of softclip_map in numbers of type T.
template <class T> struct softclip_bound {
  T bound, rest; ///< rounded to nearest, and what that left out
  T most;        ///< the outermost number that is inside by any reading
  T gap;         ///< from an end to the number beside it

  constexpr explicit softclip_bound(double b) : softclip_bound(interval_in<T>(-b, b)) {}

 private:
  constexpr explicit softclip_bound(const interval_in<T>& in)
      : bound(in.high), rest(in.high_rest), most(in.most),
        gap((in.high - beside(in.high, false)) + in.high_rest) {}
};
} // namespace detail

struct softclip_function {
  static constexpr kind domain = kind::line, image = kind::interval;
  double low, high; ///< -b and b: the interval that make_flow compares

  /// layers/elementwise_run.hpp makes its maps before it knows their options.
  constexpr softclip_function() : softclip_function(1) {}
  /// Throws std::invalid_argument unless 0 < bound, finite.
  constexpr explicit softclip_function(double bound)
      : low(-checked(bound)), high(bound), in_float_(bound), in_double_(bound) {}
  /// Throws std::invalid_argument if |x| / bound or its reciprocal may leave the range of a T.
  template <class T> void check_options() const {
    constexpr double least = sizeof(T) == 4 ? 0x1p-60 : 0x1p-500;
    if (high < least || high > 1 / least)
      detail::refuse_option<T>(text(), "the bound is out of range", "scale the data");
  }
  std::string text() const { return "softclip_map(" + detail::number_text(high) + ")"; }

  template <class X> BIJOU_INLINE X forward(X x) const {
    using math::abs, math::min, math::select;
    const auto& in = numbers<typename math::scalar_of<X>::type>();
    // By the ratio that is at most 1: an infinite x gives the end.
    const X a = abs(x), b(in.bound);
    const auto far = a > b;
    const X ratio = select(far, b, a) / select(far, a, b);
    const X size = min(X(in.most), select(far, b, a) / (X(1) + ratio));
    return select(x < X(0), -size, size);
  }
  template <class X> BIJOU_INLINE X inverse(X y) const {
    using math::abs, math::min, math::select;
    const auto& in = numbers<typename math::scalar_of<X>::type>();
    const X a = abs(y), b(in.bound);
    const X distance = select(a >= b, X(in.gap), (b - a) + X(in.rest));
    const X size = b * (min(b, a) / distance);
    return select(y < X(0), -size, size);
  }
  template <class X> BIJOU_INLINE X log_abs_slope(X x) const {
    using math::abs, math::log1p, math::select;
    using T = typename math::scalar_of<X>::type;
    // |x| / b may overflow; long before that log(1 + |x| / b) is log(s |x| / b) - log s.
    constexpr bool single = sizeof(T) == 4;
    constexpr T large = single ? T(0x1p100) : T(0x1p900), s = single ? T(0x1p-64) : T(0x1p-512);
    constexpr T log_s = static_cast<T>((single ? -64 : -512) * 0.69314718055994530942);
    const X a = abs(x), b(numbers<T>().bound);
    const auto far = a / b > X(large);
    const X l = log1p(select(far, a * X(s), a) / b) - select(far, X(log_s), X(0));
    return -(l + l);
  }
  template <class P> BIJOU_INLINE slopes<P> slope(P x) const {
    const P b(numbers<typename math::scalar_of<P>::type>().bound), a = math::abs(x);
    const P share = b / (b + a), dlog = P(2) / (b + a);
    return {share * share, math::select(x < P(0), dlog, -dlog)};
  }

 private:
  detail::softclip_bound<float> in_float_;
  detail::softclip_bound<double> in_double_;

  static constexpr double checked(double bound) {
    if (!(bound > 0) || bound - bound != 0)
      throw std::invalid_argument("softclip_map(bound): expected a finite bound > 0, got " +
                                  detail::number_text(bound));
    return bound;
  }
  template <class T> constexpr const detail::softclip_bound<T>& numbers() const {
    if constexpr (std::is_same_v<T, float>)
      return in_float_;
    else
      return in_double_;
  }
};

/// y = x / (1 + |x / bound|), the line onto the interval from -bound to bound.
/// \throws std::invalid_argument (a compile error in a constexpr expression) unless 0 < bound,
/// finite
constexpr auto softclip_map(double bound) {
  return elementwise_t<softclip_function>{softclip_function(bound)};
}

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// y = s(x) = 1 / (1 + e^-x) from the line onto the unit interval, and y = low + (high - low) s(x)
/// onto any other.
///
///     log(dy/dx) = log(high - low) - |x| - 2 log(1 + e^-|x|)      dlog/dx = 1 - 2 s(x)
///     x = log a - log b,   a = y - low, b = high - y
///
/// Both ends are treated alike. y is found from the nearer one and never leaves the interval by
/// rounding: s(x) lies in [smallest normal number, 1 - epsilon / 2]. The logarithm of a ratio of
/// distances keeps what y knows of either. A y on an end (data do that: fractions of 0 and 1)
/// counts as the number beside it, or as the mirror image of the number beside the other end if
/// that is farther in: a 0 costs what a 1 does, and there is a slope to be divided by. The log
/// slope is that of the unclamped map.

#include <bijou/bijectors/elementwise.hpp>
#include <bijou/kernels/constexpr_log.hpp>
#include <bijou/kernels/dual.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/transformers/option_text.hpp>
#include <bijou/transformers/transformer.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// s clamped to where a logit is finite and the interval is not left. A NaN stays.
template <class X> BIJOU_INLINE X inside_unit(X s) {
  using math::max, math::min;
  using limits = std::numeric_limits<typename math::scalar_of<X>::type>;
  return max(X(limits::min()), min(X(1 - limits::epsilon() / 2), s));
}
/// log(a / b) for the distances a and b from both ends; on an end, +-log(share).
template <class X, class Mask, class T> BIJOU_INLINE X logit(X a, X b, Mask on_an_end, T share) {
  using math::log, math::max, math::min, math::select;
  // The ratio of a very small distance is found in other units: it may be no normal number.
  constexpr bool single = sizeof(T) == 4;
  constexpr T units = single ? T(0x1p126F) : T(0x1p1022),
              small = single ? T(0x1p-62F) : T(0x1p-510);
  constexpr T log_units = static_cast<T>((single ? 126 : 1022) * 0.69314718055994530942);
  const X less = min(a, b), least(std::numeric_limits<T>::denorm_min());
  const auto is_small = less < X(small);
  const X ratio = max(least, select(is_small, less * X(units), less) / max(a, b));
  const X l = log(select(on_an_end, X(share), ratio)) -
              select(on_an_end, X(0), select(is_small, X(log_units), X(0)));
  return select(a < b, l, -l);
}
/// log s'(x).
template <class X> BIJOU_INLINE X log_logistic_slope(X x) {
  using math::abs, math::softplus;
  const X a = abs(x), rest = softplus(-a);
  return -(a + (rest + rest));
}

/// The next number above, or below. For finite numbers, in constant expressions too.
template <class T> constexpr T beside(T v, bool above) {
  using word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  if (v == 0)
    return above ? std::numeric_limits<T>::denorm_min() : -std::numeric_limits<T>::denorm_min();
  const word bits = std::bit_cast<word>(v);
  return std::bit_cast<T>((v > 0) == above ? bits + 1 : bits - 1);
}

/// An interval in numbers of type T.
template <class T> struct interval_in {
  T low, high;           ///< rounded to nearest
  T low_rest, high_rest; ///< what that left out
  T least, most;         ///< the outermost numbers that are inside by any reading
  T width;
  T end_share; ///< a / b of the number beside an end, of that end where it is larger

  constexpr interval_in(double low_end, double high_end)
      : low(held(low_end)), high(held(high_end)), low_rest(held(low_end - double{low})),
        high_rest(held(high_end - double{high})),
        least(double{low} < low_end ? beside(low, true) : low),
        most(double{high} > high_end ? beside(high, false) : high),
        width(held(high_end - low_end)) {
    const T gap =
        std::max((beside(low, true) - low) - low_rest, (high - beside(high, false)) + high_rest);
    end_share = width > gap ? gap / (width - gap) : T(1);
  }
  /// Whether numbers of type T reach as far, and whether some lie between the ends.
  static constexpr bool reaches(double low_end, double high_end) {
    return -largest <= low_end && high_end <= largest && high_end - low_end <= largest;
  }
  constexpr bool has_inside() const { return low < high && beside(low, true) < high; }

 private:
  static constexpr double largest = std::numeric_limits<T>::max();
  static constexpr T held(double v) { return static_cast<T>(std::clamp(v, -largest, largest)); }
};

} // namespace detail

struct sigmoid_function {
  static constexpr const char* name = "sigmoid_map";
  static constexpr kind domain = kind::line, image = kind::unit;

  template <class X> BIJOU_INLINE X forward(X x) const {
    using math::sigmoid;
    return detail::inside_unit(sigmoid(x));
  }
  template <class X> BIJOU_INLINE X inverse(X y) const {
    using T = typename math::scalar_of<X>::type;
    constexpr T half = std::numeric_limits<T>::epsilon() / 2;
    return detail::logit(y, X(1) - y, (y <= X(0)) | (y >= X(1)), half / (1 - half));
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
    in_float_ = {low, high};
    in_double_ = {low, high};
  }
  /// Throws std::invalid_argument if the interval is none in numbers of type T.
  template <class T> void check_options() const {
    const auto& in = ends<T>();
    const std::string interval =
        "the interval [" + detail::number_text(low) + ", " + detail::number_text(high) + "] ";
    if (!in.reaches(low, high))
      detail::refuse_option<T>(text(), interval + "is wider than the type reaches",
                               "scale the data");
    if (!in.has_inside())
      detail::refuse_option<T>(text(), interval + "has no numbers between its ends",
                               "shift the data");
  }

  std::string text() const {
    return "interval_map(" + detail::number_text(low) + ", " + detail::number_text(high) + ")";
  }

  template <class X> BIJOU_INLINE X forward(X x) const {
    using math::abs, math::fma, math::max, math::min, math::select, math::sigmoid;
    using T = typename math::scalar_of<X>::type;
    const auto& in = ends<T>();
    const X share = max(X(std::numeric_limits<T>::min()), sigmoid(-abs(x)));
    const auto left = x < X(0);
    const X inwards = fma(select(left, X(in.width), X(-in.width)), share,
                          select(left, X(in.low_rest), X(in.high_rest)));
    const X y = select(left, X(in.low), X(in.high)) + inwards;
    return max(X(in.least), min(X(in.most), y)); // bounds first: a NaN stays
  }
  template <class X> BIJOU_INLINE X inverse(X y) const {
    using T = typename math::scalar_of<X>::type;
    const auto& in = ends<T>();
    const X a = (y - X(in.low)) - X(in.low_rest), b = (X(in.high) - y) + X(in.high_rest);
    return detail::logit(a, b, (y <= X(in.low)) | (y >= X(in.high)), in.end_share);
  }
  template <class X> BIJOU_INLINE X log_abs_slope(X x) const {
    using T = typename math::scalar_of<X>::type;
    return detail::log_logistic_slope(x) + X(static_cast<T>(log_width_));
  }
  template <class P> BIJOU_INLINE slopes<P> slope(P x) const {
    const auto width = ends<typename math::scalar_of<P>::type>().width;
    return {math::detail::logistic_slope(x) * P(width), -math::tanh(P(0.5) * x)};
  }

 private:
  template <class T> constexpr const detail::interval_in<T>& ends() const {
    if constexpr (std::is_same_v<T, float>)
      return in_float_;
    else
      return in_double_;
  }

  double log_width_ = 0;
  detail::interval_in<float> in_float_{0, 1};
  detail::interval_in<double> in_double_{0, 1};
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

#pragma once
/// \file
/// Powers: y = x^p from the positive half-line onto itself, `power_map(p)`, and y = sign(x) |x|^p
/// from the line onto the line, `signed_power_map(p)`.
///
///     log|dy/dx| = log|p| + (p - 1) log|x|      dlog/dx = (p - 1) / x
///     x = y^(1/p)                               x = sign(y) |y|^(1/p)
///
/// power_map takes any finite p but 0 (a negative one reverses the order of samples);
/// signed_power_map takes p > 0. At 0 the slope of the latter is 0 (p > 1) or infinite (p < 1).
/// There the log slope stays finite: an |x| below the smallest normal number counts as that number,
/// and dlog/dx is 0. A density behind signed_power_map(3) is infinite at y = 0 and, by this rule,
/// comes out as large as it is beside it.
///
/// Definitions as torch's PowerTransform and Pyro's PositivePowerTransform; zuko's
/// SignedPowerTransform is signed_power_map with the logarithm of p as its option.

#include <bijou/bijectors/elementwise.hpp>
#include <bijou/kernels/constexpr_log.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/kernels/power.hpp>
#include <bijou/transformers/function_map.hpp>
#include <bijou/transformers/option_text.hpp>
#include <bijou/transformers/transformer.hpp>

#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// An exponent p in numbers of type T, as the formulas of powers read it.
template <class T> struct power_numbers {
  math::power_exponent<T> p, reciprocal, less_one; ///< p, 1 / p, p - 1
  T log_size;                                      ///< log|p|

  constexpr explicit power_numbers(double exponent)
      : p(exponent), reciprocal(1 / static_cast<long double>(exponent)),
        less_one(static_cast<long double>(exponent) - 1),
        log_size(static_cast<T>(constexpr_log(exponent < 0 ? -exponent : exponent))) {}
};

/// What both words share: the exponent, and functions of a = |x|.
class power_option {
 public:
  double exponent;

  constexpr explicit power_option(double p) : exponent(p), in_float_(p), in_double_(p) {}

  /// Throws std::invalid_argument if a T cannot hold the log slopes of its own numbers.
  template <class T> void check(const std::string& text) const {
    constexpr double room = 2048; // of the largest |log x|, and of its reciprocal
    if (!is_normal_in<T>(exponent * room) || !is_normal_in<T>(exponent / room) ||
        !is_normal_in<T>(room / exponent))
      refuse_option<T>(text, "the exponent " + number_text(exponent) + " is out of range",
                       "choose an exponent nearer to 1");
  }
  template <class T> constexpr const power_numbers<T>& in() const {
    if constexpr (std::is_same_v<T, float>)
      return in_float_;
    else
      return in_double_;
  }

  /// log|p| + (p - 1) log a, with a kept between the ends of the normal numbers. A NaN stays, and
  /// an a below 0 is NaN.
  template <class X> BIJOU_INLINE X log_slope(X a) const {
    using math::fma, math::log, math::max, math::min;
    using T = typename math::scalar_of<X>::type;
    using limits = std::numeric_limits<T>;
    constexpr double ln2 = 0.69314718055994530942;
    const auto& numbers = in<T>();
    const X least(static_cast<T>((limits::min_exponent - 1) * ln2)),
        most(static_cast<T>(limits::max_exponent * ln2));
    const X l = max(least, min(most, log(a))); // bounds first: a NaN stays
    return fma(X(numbers.less_one.whole), l, X(numbers.log_size));
  }
  /// p a^(p - 1), within the range of the type.
  template <class P> BIJOU_INLINE P slope_of(P a) const {
    const auto& numbers = in<typename math::scalar_of<P>::type>();
    return kept_finite(P(numbers.p.whole) * math::power(a, numbers.less_one));
  }
  /// (p - 1) / x, within the range of the type.
  template <class P> BIJOU_INLINE P dlog_of(P x) const {
    return kept_finite(P(in<typename math::scalar_of<P>::type>().less_one.whole) / x);
  }

 private:
  power_numbers<float> in_float_;
  power_numbers<double> in_double_;
};

} // namespace detail

struct power_function : detail::power_option {
  static constexpr kind domain = kind::positive, image = kind::positive;

  /// layers/elementwise_run.hpp makes its maps before it knows their options.
  constexpr power_function() : power_function(1) {}
  /// Throws std::invalid_argument unless p is finite and not 0: else the map has no inverse.
  constexpr explicit power_function(double p) : power_option(checked(p)) {}
  /// Throws std::invalid_argument if the exponent does not do for numbers of type T.
  template <class T> void check_options() const { check<T>(text()); }
  std::string text() const { return "power_map(" + detail::number_text(exponent) + ")"; }

  template <class X> BIJOU_INLINE X forward(X x) const {
    using math::power;
    return power(x, in<typename math::scalar_of<X>::type>().p);
  }
  template <class X> BIJOU_INLINE X inverse(X y) const {
    using math::power;
    return power(y, in<typename math::scalar_of<X>::type>().reciprocal);
  }
  template <class X> BIJOU_INLINE X log_abs_slope(X x) const { return log_slope(x); }
  template <class P> BIJOU_INLINE slopes<P> slope(P x) const { return {slope_of(x), dlog_of(x)}; }

 private:
  static constexpr double checked(double p) {
    if (p == 0 || p - p != 0)
      throw std::invalid_argument("power_map(p): expected a finite p other than 0, got " +
                                  detail::number_text(p));
    return p;
  }
};

struct signed_power_function : detail::power_option {
  static constexpr kind domain = kind::line, image = kind::line;

  /// layers/elementwise_run.hpp makes its maps before it knows their options.
  constexpr signed_power_function() : signed_power_function(1) {}
  /// Throws std::invalid_argument unless 0 < p, finite: else the map has no inverse, or a pole.
  constexpr explicit signed_power_function(double p) : power_option(checked(p)) {}
  /// Throws std::invalid_argument if the exponent does not do for numbers of type T.
  template <class T> void check_options() const { check<T>(text()); }
  std::string text() const { return "signed_power_map(" + detail::number_text(exponent) + ")"; }

  template <class X> BIJOU_INLINE X forward(X x) const {
    return with_sign(x, in<typename math::scalar_of<X>::type>().p);
  }
  template <class X> BIJOU_INLINE X inverse(X y) const {
    return with_sign(y, in<typename math::scalar_of<X>::type>().reciprocal);
  }
  template <class X> BIJOU_INLINE X log_abs_slope(X x) const {
    using math::abs;
    return log_slope(abs(x));
  }
  /// Below the smallest normal number all is as it is there, and the log slope is constant.
  template <class P> BIJOU_INLINE slopes<P> slope(P x) const {
    using T = typename math::scalar_of<P>::type;
    const P least(std::numeric_limits<T>::min()), a = math::abs(x);
    return {slope_of(math::max(least, a)), math::select(a < least, P(0), dlog_of(x))};
  }

 private:
  template <class X, class Exponent> static BIJOU_INLINE X with_sign(X x, const Exponent& p) {
    using math::abs, math::power, math::select;
    const X size = power(abs(x), p);
    return select(x < X(0), -size, size);
  }
  static constexpr double checked(double p) {
    if (!(p > 0) || p - p != 0)
      throw std::invalid_argument("signed_power_map(p): expected a finite p > 0, got " +
                                  detail::number_text(p));
    return p;
  }
};

/// y = x^p, the positive half-line onto itself, for any p but 0.
/// \throws std::invalid_argument (a compile error in a constexpr expression) unless p is finite and
/// not 0
constexpr auto power_map(double p) { return elementwise_t<power_function>{power_function(p)}; }

/// y = sign(x) |x|^p, the line onto the line, for p > 0.
/// \throws std::invalid_argument (a compile error in a constexpr expression) unless 0 < p, finite
constexpr auto signed_power_map(double p) {
  return elementwise_t<signed_power_function>{signed_power_function(p)};
}

} // namespace bijou::inline BIJOU_ISA

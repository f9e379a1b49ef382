#pragma once
/// \file
/// x^p on packs, scalars and duals, with one exponent p for all lanes, in the manner of
/// kernels/math.hpp.
///
/// e^(p log x) alone would be off by as many roundings as |p log x| says: some hundreds near the
/// ends of the range. Here x = 2^n m with m in [sqrt(1/2), sqrt(2)], and
///
///     x^p = 2^k e^r,   k = p n + p log2 m rounded to an integer,   r = (p n - k) ln 2 + p log m
///
/// p n - k is found without a rounding, for p is split into a part whose multiples are exact and
/// the rest. What remains is the rounding of p log m, at most 0.35 |p|. Cost: a logarithm and an
/// exponential.

#include <bijou/kernels/dual.hpp>
#include <bijou/kernels/math.hpp>

#include <bit>
#include <concepts>
#include <limits>

namespace bijou::inline BIJOU_ISA::math {

/// An exponent, known to more digits than a T has: high + low, `high` so short that a product with
/// the exponent of a T is exact without a fused multiply-add, too. `whole` is their sum, rounded.
template <class T> struct power_exponent {
  T whole, high, low;

  /// Of any finite number; beyond the range of T it counts as the largest one.
  constexpr explicit power_exponent(long double p)
      : whole(held(p)), high(shortened(whole)), low(held(p - static_cast<long double>(high))) {}

 private:
  static constexpr T held(long double v) {
    constexpr long double most = std::numeric_limits<T>::max();
    return static_cast<T>(v > most ? most : v < -most ? -most : v);
  }
  /// v without the lower half of its fraction.
  static constexpr T shortened(T v) {
    using word = detail::word<T>;
    constexpr int cut = detail::format<T>::fraction / 2 + 1;
    return std::bit_cast<T>(std::bit_cast<word>(v) >> cut << cut);
  }
};

namespace detail {

/// 2^k for integers k in (-bias, bias].
template <class T> BIJOU_INLINE pack<T> two_to_the(pack<T> k) {
  using f = format<T>;
  const pack<T> shifted = k + pack<T>(shifter<T> + static_cast<T>(f::bias));
  return from_bits<T>(shift_left<f::fraction>(to_bits(shifted)));
}

} // namespace detail

/// x^p for x >= 0, NaN below 0. Max error: 3 + 0.7 |p| ulp. Overflows and underflows only where the
/// true value does; 0 and infinity give 0 and infinity where p > 0, infinity and 0 where p < 0,
/// else 1.
template <class T> BIJOU_INLINE pack<T> power(pack<T> x, const power_exponent<T>& p) {
  using namespace detail;
  using f = format<T>;
  constexpr int raise = f::fraction + 1;
  const pack<T> zero(T(0)), shift(shifter<T>);
  const auto tiny = x < pack<T>(std::numeric_limits<T>::min());
  const pack<T> raised = x * pack<T>(static_cast<T>(word<T>(1) << raise));
  const auto [biased, number, m] = exponent(select(tiny, raised, x));
  const pack<T> n = number - select(tiny, pack<T>(T(raise)), zero);
  const pack<T> u = pack<T>(p.whole) * join_log(zero, m - pack<T>(T(1)));
  // Beyond these ends the power has left the range of T, and r has what is missing.
  const pack<T> ends(static_cast<T>(2 * f::bias - 2));
  const pack<T> wanted = fma(n, pack<T>(p.whole), u * pack<T>(T(1.4426950408889634074L)));
  const pack<T> k = (max(-ends, min(ends, wanted)) + shift) - shift;
  const pack<T> rest = fma(n, pack<T>(p.low), fma(n, pack<T>(p.high), -k));
  const pack<T> e = exp(fma(rest, pack<T>(T(0.69314718055994530942L)), u));
  // In two steps, for 2^k alone may be no number where the power is one.
  const pack<T> half = (fma(k, pack<T>(T(0.5)), shift)) - shift;
  const pack<T> y = e * two_to_the(half) * two_to_the(k - half);
  const T of_one(1), up = infinity<T>;
  const pack<T> of_zero(p.whole > 0   ? T(0)
                        : p.whole < 0 ? up
                                      : of_one),
      of_infinity(p.whole > 0   ? up
                  : p.whole < 0 ? T(0)
                                : of_one);
  return select(x > zero, select(x < pack<T>(infinity<T>), y, of_infinity),
                select(x == zero, of_zero, pack<T>(quiet_nan<T>)));
}
template <std::floating_point T> inline T power(T x, const power_exponent<T>& p) {
  return first(power(pack<T>(x), p));
}
/// The derivative is p x^p / x, with the smallest normal number for an x below it.
template <class P>
BIJOU_INLINE dual<P> power(dual<P> x, const power_exponent<typename scalar_of<P>::type>& p) {
  using T = typename scalar_of<P>::type;
  const P least(std::numeric_limits<T>::min()), a = max(least, x.value);
  return {power(x.value, p), P(p.whole) * (power(a, p) / a) * x.derivative};
}

} // namespace bijou::inline BIJOU_ISA::math

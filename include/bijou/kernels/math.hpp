#pragma once
/// \file
/// Elementary functions on packs, and on float and double, with the same bits for both.
///
/// The formulas are bijou's own, for two reasons. Every rounding is written down, so a result does
/// not depend on the compiler or on the code around a call: lanes, scalars and any vector width
/// agree (instruction sets with and without fused multiply-adds differ in the last place). And the
/// whole range is right: no early overflow, subnormal arguments and results, infinities, NaN.
///
/// "Max error: N ulp" is enforced by tests/kernels/math.cpp on the instruction set of the build.
/// Every function returns NaN for NaN. Rounding to nearest is assumed.
///
/// Generic code says `using bijou::math::exp;` and calls `exp(x)`: packs and scalars find these,
/// and other number types their own by their namespace.

#include <bijou/kernels/simd.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <utility>

namespace bijou::inline BIJOU_ISA::math {

using simd::pack;

using simd::abs;
using simd::copysign;
using simd::fma;
using simd::fnma;
using simd::isnan;
using simd::max;
using simd::min;
using simd::select;
using simd::sqrt;

namespace detail {

using simd::bits;
using simd::from_bits;
using simd::mask;
using simd::shift_left;
using simd::shift_right;
using simd::to_bits;
using simd::word;

template <class T> inline constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T> inline constexpr T quiet_nan = std::numeric_limits<T>::quiet_NaN();

/// The parts of the IEEE format, and ln 2 as a sum of which the first part times any exponent is
/// exact.
template <class T> struct format;
template <> struct format<float> {
  static constexpr int fraction = 23;
  static constexpr std::uint32_t bias = 127;
  static constexpr float ln2_high = 0x1.63p-1F;
  static constexpr float ln2_low = -0x1.bd0106p-13F;
};
template <> struct format<double> {
  static constexpr int fraction = 52;
  static constexpr std::uint64_t bias = 1023;
  static constexpr double ln2_high = 0x1.62e42feep-1;
  static constexpr double ln2_low = 0x1.a39ef35793c76p-33;
};

/// 1.5 * 2^fraction: a number added to it is rounded to an integer, found in the low bits.
template <class T>
inline constexpr T shifter = static_cast<T>(word<T>(3) << (format<T>::fraction - 1));

/// c[0] + c[1] x + ... by Horner's rule. Unrolled by hand: at -O2 compilers keep such loops.
template <class T, std::size_t N> BIJOU_INLINE pack<T> polynomial(pack<T> x, const T (&c)[N]) {
  return [&]<std::size_t... K>(std::index_sequence<K...>) __attribute__((always_inline)) {
    pack<T> y(c[N - 1]);
    ((y = fma(y, x, pack<T>(c[N - 2 - K]))), ...);
    return y;
  }
  (std::make_index_sequence<N - 1>{});
}

/// The same of N = 4 k coefficients in k steps that wait for one another (Estrin): a core's window
/// holds two or three exponentials, so a shorter chain is a faster loop.
template <class T, std::size_t N>
BIJOU_INLINE pack<T> polynomial(pack<T> x, pack<T> x2, pack<T> x4, const T (&c)[N]) {
  static_assert(N % 4 == 0);
  return [&]<std::size_t... K>(std::index_sequence<K...>) __attribute__((always_inline)) {
    const auto four = [&](std::size_t k) __attribute__((always_inline)) {
      return fma(fma(x, pack<T>(c[k + 3]), pack<T>(c[k + 2])), x2,
                 fma(x, pack<T>(c[k + 1]), pack<T>(c[k])));
    };
    pack<T> y = four(N - 4);
    ((y = fma(y, x4, four(N - 8 - 4 * K))), ...);
    return y;
  }
  (std::make_index_sequence<N / 4 - 1>{});
}

/// e^r - 1 - r - r^2 (c0 + c1 r) over r^4, |r| <= ln(2)/2. All coefficients here are minimax.
BIJOU_INLINE pack<float> exp_tail(pack<float> r, pack<float> r2, pack<float>) {
  return fma(r2, pack<float>(0x1.6a2412p-10F),
             fma(r, pack<float>(0x1.1239e2p-7F), pack<float>(0x1.5558f2p-5F)));
}
BIJOU_INLINE pack<double> exp_tail(pack<double> r, pack<double> r2, pack<double> r4) {
  return polynomial(r, r2, r4,
                    {0x1.555555555087dp-5, 0x1.1111111127be5p-7, 0x1.6c16c18429f22p-10,
                     0x1.a01a012a57d3ap-13, 0x1.a0199a0cb4150p-16, 0x1.71df25523260ap-19,
                     0x1.28ad728a90809p-22, 0x1.ad7f6ea744497p-26});
}

/// e^r - 1 and the integer n, where x = r + n ln 2 and |r| <= ln(2)/2. n is offset in `shifted`.
template <class T> struct reduced {
  pack<T> expm1;
  pack<T> shifted;
};
/// With `Careful`, what rounding r lost is put back: for callers whose own sum cancels.
template <bool Careful = false, class T> BIJOU_INLINE reduced<T> reduce_exp(pack<T> x, T offset) {
  using f = format<T>;
  constexpr T c0 = sizeof(T) == 4 ? T(0x1.fffffcp-2) : T(0x1.000000000000ap-1);
  constexpr T c1 = sizeof(T) == 4 ? T(0x1.555492p-3) : T(0x1.55555555554fap-3);
  const pack<T> shift(shifter<T> + offset);
  const pack<T> shifted = fma(x, pack<T>(T(1.4426950408889634074L)), shift);
  const pack<T> n = shifted - shift;
  const pack<T> exact = fnma(n, pack<T>(f::ln2_high), x), low = n * pack<T>(f::ln2_low);
  const pack<T> r = exact - low;
  const pack<T> r2 = r * r, r4 = r2 * r2;
  const pack<T> head = fma(r, pack<T>(c1), pack<T>(c0));
  const pack<T> tail = exp_tail(r, r2, r4);
  if constexpr (Careful)
    return {r + fma(tail, r4, fma(head, r2, (exact - r) - low)), shifted};
  else
    return {fma(tail, r4, fma(head, r2, r)), shifted};
}

/// (1 + e^x) / 2 for x in [-40, 128 ln 2] (float) or [-40, 1024 ln 2], rounded about once: e^x
/// itself is never formed.
template <class T> BIJOU_INLINE pack<T> half_exp_plus_one(pack<T> x) {
  using f = format<T>;
  const auto [p, shifted] = reduce_exp(x, T(f::bias - 1));
  const pack<T> scale = from_bits<T>(shift_left<f::fraction>(to_bits(shifted)));
  return scale + fma(scale, p, pack<T>(T(0.5)));
}

/// n ln 2 + log(1 + f) for 1 + f in [sqrt(1/2), sqrt(2)].
BIJOU_INLINE pack<float> join_log(pack<float> n, pack<float> f) {
  using c = format<float>;
  const pack<float> f2 = f * f;
  const pack<float> cubic =
      polynomial(f, f2, f2 * f2,
                 {0x1.555554p-2F, -0x1.000226p-2F, 0x1.99a008p-3F, -0x1.547246p-3F, 0x1.22da18p-3F,
                  -0x1.0d8532p-3F, 0x1.055b76p-3F, -0x1.38b5e4p-4F});
  const pack<float> square = fma(f2, pack<float>(-0.5F), n * pack<float>(c::ln2_low));
  return fma(n, pack<float>(c::ln2_high), fma(cubic, f2 * f, square) + f);
}
BIJOU_INLINE pack<double> join_log(pack<double> n, pack<double> f) {
  using c = format<double>;
  // With s = f / (2 + f) and h = f^2/2, log(1 + f) = f - h + s (h + s^2 R(s^2)): no rounding of s
  // meets the large part f.
  const pack<double> s = f / (f + pack<double>(2.0));
  const pack<double> s2 = s * s, s4 = s2 * s2;
  const pack<double> r =
      fma(polynomial(s4, {0x1.999999997fd74p-2, 0x1.c71c520605de7p-3, 0x1.39a1a750bd38bp-3}), s2,
          polynomial(s4, {0x1.5555555555592p-1, 0x1.24924941f50eap-2, 0x1.74663fa073a19p-3,
                          0x1.2f062f7433e6fp-3})) *
      s2;
  const pack<double> h = f * f * pack<double>(0.5);
  const pack<double> y = fma(s, h + r, n * pack<double>(c::ln2_low)) - h;
  return fma(n, pack<double>(c::ln2_high), y + f);
}

/// u = 2^n m with m in [sqrt(1/2), sqrt(2)], u normal.
template <class T> struct split {
  bits<word<T>> biased; // n + bias
  pack<T> n, m;
};
template <class T> BIJOU_INLINE split<T> exponent(pack<T> u) {
  using f = format<T>;
  using B = bits<word<T>>;
  constexpr auto root = std::bit_cast<word<T>>(T(0.70710678118654752440L));
  constexpr auto one = std::bit_cast<word<T>>(T(1));
  // The exponent field as an integer is made a number by writing it into the fraction of
  // 2^fraction.
  constexpr T base = static_cast<T>(word<T>(1) << f::fraction);
  const B moved = to_bits(u) + B(one - root), biased = shift_right<f::fraction>(moved);
  const pack<T> number = from_bits<T>(biased | to_bits(pack<T>(base)));
  return {biased, number - pack<T>(base + static_cast<T>(f::bias)),
          from_bits<T>((moved & B((word<T>(1) << f::fraction) - 1)) + B(root))};
}

/// log(u) - shift ln 2 for normal u > 0.
template <class T> BIJOU_INLINE pack<T> log_normal(pack<T> u, T shift = T(0)) {
  const auto [biased, n, m] = exponent(u);
  return join_log(n - pack<T>(shift), m - pack<T>(T(1)));
}

/// log(1 + e) for e in [0, 1].
template <class T> BIJOU_INLINE pack<T> log1p_unit(pack<T> e) {
  // 1 + e is at most 2: one bit decides between n = 0 and n = 1, f = (1 + e)/2 - 1 exactly.
  const auto high = e > pack<T>(T(0.41421356237309504880L));
  const pack<T> zero(T(0));
  const pack<T> f = select(high, fma(e, pack<T>(T(0.5)), pack<T>(T(-0.5))), e);
  return join_log(select(high, pack<T>(T(1)), zero), f);
}

} // namespace detail

/// e^x. Max error: 1.5 ulp. Overflows to inf only where the true value does; subnormal results
/// become 0 (below x = -87.33 in float, -708.39 in double).
template <class T> BIJOU_INLINE pack<T> exp(pack<T> x) {
  using namespace detail;
  using f = format<T>;
  constexpr bool single = sizeof(T) == 4;
  constexpr T high = single ? T(0x1.62e42ep+6) : T(0x1.62e42fefa39efp+9);
  constexpr T low = single ? T(-0x1.5d589ep+6) : T(-0x1.6232bdd7abcd2p+9);
  // 2^n times (1 + p): n is added to the exponent field, which reaches where no factor 2^n does.
  const auto [p, shifted] = reduce_exp(x, T(0));
  const pack<T> y =
      from_bits<T>(to_bits(p + pack<T>(T(1))) + shift_left<f::fraction>(to_bits(shifted)));
  const pack<T> above = select(x <= pack<T>(high), y, x + pack<T>(infinity<T>)); // NaN stays
  return select(x < pack<T>(low), pack<T>(T(0)), above);
}

/// e^x - 1, accurate near 0. Max error: 2 ulp. Overflows only where the true value does; -1 from
/// below; the sign of a zero argument is kept.
template <class T> BIJOU_INLINE pack<T> expm1(pack<T> x) {
  using namespace detail;
  using f = format<T>;
  constexpr T high = sizeof(T) == 4 ? T(89) : T(710);
  constexpr T low = sizeof(T) == 4 ? T(-20) : T(-40);
  const pack<T> clamped = min(pack<T>(high), max(pack<T>(low), x));
  // 2^n (p + 1) - 1 in halves, for 2^n may be one power too large.
  const auto [p, shifted] = reduce_exp<true>(clamped, T(f::bias - 1));
  const pack<T> scale = from_bits<T>(shift_left<f::fraction>(to_bits(shifted)));
  const pack<T> y = fma(scale, p, scale - pack<T>(T(0.5)));
  const pack<T> small(std::numeric_limits<T>::epsilon() / 4);
  return select(abs(x) < small, x, y + y);
}

/// Natural logarithm. Max error: 1 ulp, subnormal arguments included. log(0) = -inf of either zero,
/// NaN below 0, log(inf) = inf.
template <class T> BIJOU_INLINE pack<T> log(pack<T> x) {
  using namespace detail;
  constexpr int raise = format<T>::fraction + 1;
  const pack<T> zero(T(0));
  const auto tiny = x < pack<T>(std::numeric_limits<T>::min());
  const pack<T> raised = x * pack<T>(static_cast<T>(word<T>(1) << raise));
  const auto [biased, n, m] = exponent(select(tiny, raised, x));
  const pack<T> y = join_log(n - select(tiny, pack<T>(T(raise)), zero), m - pack<T>(T(1)));
  const pack<T> limit = select(x == zero, pack<T>(-infinity<T>), pack<T>(quiet_nan<T>));
  return select(x < pack<T>(infinity<T>), select(x > zero, y, limit), x);
}

/// log(1 + x), accurate near 0. Max error: 1.6 ulp. log1p(-1) = -inf, NaN below -1, inf of inf; the
/// sign of a zero argument is kept.
template <class T> BIJOU_INLINE pack<T> log1p(pack<T> x) {
  using namespace detail;
  using f = format<T>;
  const pack<T> one(T(1)), zero(T(0));
  const pack<T> u = x + one;
  const auto [biased, n, m] = exponent(u);
  // 1 + f = 2^-n (1 + x), computed from x so that what u lost is still there. 2^-n would be
  // subnormal for the largest n: 2^(2-n) and x/4 instead, where x/4 cannot be.
  const pack<T> scale =
      from_bits<T>(shift_left<f::fraction>(bits<word<T>>(word<T>(2 * f::bias + 2)) - biased));
  const pack<T> quarter(T(0.25));
  const pack<T> y = join_log(n, fma(scale, x * quarter, fma(scale, quarter, -one)));
  const pack<T> small(std::numeric_limits<T>::epsilon() / 4);
  const pack<T> limit = select(u == zero, pack<T>(-infinity<T>), pack<T>(quiet_nan<T>));
  const pack<T> inside = select(abs(x) < small, x, select(u > zero, y, limit));
  return select(x < pack<T>(infinity<T>), inside, x);
}

/// log(1 + e^x). Max error: 2 ulp for all x.
template <class T> BIJOU_INLINE pack<T> softplus(pack<T> x) {
  return max(pack<T>(T(0)), x) + detail::log1p_unit(exp(-abs(x)));
}

/// log(1 / (1 + e^-x)) = -softplus(-x). Max error: 2 ulp for all x.
template <class T> BIJOU_INLINE pack<T> log_sigmoid(pack<T> x) {
  return min(pack<T>(T(0)), x) - detail::log1p_unit(exp(-abs(x)));
}

/// 1 / (1 + e^-x). Max error: 2 ulp. Subnormal values below 2^-128 (float) or 2^-1024 become 0.
template <class T> BIJOU_INLINE pack<T> sigmoid(pack<T> x) {
  constexpr T end = sizeof(T) == 4 ? T(88.75) : T(709.75);
  const pack<T> half(T(0.5)), zero(T(0));
  const pack<T> negated = min(pack<T>(end), max(pack<T>(T(-40)), -x));
  return select(x < pack<T>(-end), zero, half / detail::half_exp_plus_one(negated));
}

namespace detail {

/// tanh(x) = x + x z P(z) / Q(z) near 0, z = x^2: minimax P, with Q = 1 in float.
BIJOU_INLINE pack<float> tanh_join(pack<float> magnitude, mask<float> small, pack<float> half) {
  const pack<float> one(1.0F), z = magnitude * magnitude;
  const pack<float> p = polynomial(
      z, {-0x1.555548p-2F, 0x1.110c98p-3F, -0x1.b90fc0p-5F, 0x1.586660p-6F, -0x1.963d32p-8F});
  return select(small, fma(magnitude * z, p, magnitude), one - one / half);
}
BIJOU_INLINE pack<double> tanh_join(pack<double> magnitude, mask<double> small, pack<double> half) {
  const pack<double> one(1.0), z = magnitude * magnitude;
  const pack<double> p =
      polynomial(z, {-0x1.5555555555555p-2, -0x1.4fe5cd3e29a3ep-6, -0x1.a1f6b91f3d898p-13});
  const pack<double> q =
      polynomial(z, {1.0, 0x1.d894b01541670p-2, 0x1.7daa64e88818ep-6, 0x1.b168757fdc931p-13});
  // One division serves both.
  return select(small, magnitude, one) +
         select(small, magnitude * z * p, -one) / select(small, q, half);
}

} // namespace detail

/// Hyperbolic tangent. Max error: 2 ulp; the sign of a zero argument is kept.
template <class T> BIJOU_INLINE pack<T> tanh(pack<T> x) {
  // 1 - 2 / (1 + e^2x), which cancels near 0 and is 1 long before 20.
  const pack<T> magnitude = abs(x);
  const pack<T> bounded = min(pack<T>(T(20)), magnitude);
  const pack<T> half = detail::half_exp_plus_one(bounded + bounded);
  const auto small = magnitude < pack<T>(T(0.55));
  return copysign(detail::tanh_join(magnitude, small, half), x);
}

/// Sine and cosine of one angle.
template <class T> struct sine_cosine {
  pack<T> sin;
  pack<T> cos;
};

namespace detail {

/// sin(2 pi r) / r and (cos(2 pi r) - 1) / r^2 in r^2 for |r| <= 1/8.
BIJOU_INLINE sine_cosine<float> sincos_polynomials(pack<float> r2) {
  return {polynomial(r2, {0x1.921fb6p+2F, -0x1.4abbcep+5F, 0x1.466bbap+6F, -0x1.32ca86p+6F,
                          0x1.4bc256p+5F}),
          polynomial(r2, {-0x1.3bd3ccp+4F, 0x1.03c1dep+6F, -0x1.55c5e0p+6F, 0x1.d9d580p+5F})};
}
BIJOU_INLINE sine_cosine<double> sincos_polynomials(pack<double> r2) {
  return {polynomial(r2, {0x1.921fb54442d18p+2, -0x1.4abbce625be53p+5, 0x1.466bc6775aad9p+6,
                          -0x1.32d2cce62abbdp+6, 0x1.50783485c2d12p+5, -0x1.e3074b42bd00bp+3,
                          0x1.e8eec797dff69p+1, -0x1.6c58cb11ead46p-1}),
          polynomial(r2, {-0x1.3bd3cc9be45dep+4, 0x1.03c1f081b5aaep+6, -0x1.55d3c7e3c9280p+6,
                          0x1.e1f5068367bbcp+5, -0x1.a6d1ec7e13630p+4, 0x1.f9cc40b2c2267p+2,
                          -0x1.b263c51db3eedp+0})};
}

/// Sine and cosine of 2 pi r for |r| <= 1/8.
template <class T> BIJOU_INLINE sine_cosine<T> sincos_octant(pack<T> r) {
  const pack<T> r2 = r * r;
  const auto [s, c] = sincos_polynomials(r2);
  return {s * r, fma(c, r2, pack<T>(T(1)))};
}

/// After `shifted` - shifter quarter turns more. Odd ones exchange sine and cosine; 2 and 3 flip
/// the sine, 1 and 2 the cosine.
template <class T> BIJOU_INLINE sine_cosine<T> turned(sine_cosine<T> octant, pack<T> shifted) {
  using B = bits<word<T>>;
  const auto [s, c] = octant;
  const B q = to_bits(shifted);
  const B sign(std::bit_cast<word<T>>(T(-0.0)));
  const B exchange = (to_bits(s) ^ to_bits(c)) & (B(0) - (q & B(1)));
  constexpr int top = sizeof(T) * 8 - 2;
  const B flip_sin = shift_left<top>(q) & sign;
  const B flip_cos = shift_left<top>(q + B(1)) & sign;
  return {from_bits<T>(to_bits(s) ^ exchange ^ flip_sin),
          from_bits<T>(to_bits(c) ^ exchange ^ flip_cos)};
}

/// pi / 2 as a sum of short parts: their multiples are exact, without fused multiply-adds too (Cody
/// and Waite). `largest`: how far that holds. All parts are positive, so that -0 stays -0.
template <class T> struct quarter_turn;
template <> struct quarter_turn<float> {
  static constexpr float parts[] = {0x1.92p+0F, 0x1.fb4p-12F, 0x1.444p-24F, 0x1.68cp-39F,
                                    0x1.1a6262p-54F};
  static constexpr float largest = 1e4F;
};
template <> struct quarter_turn<double> {
  static constexpr double parts[] = {0x1.921fb54p+0, 0x1.10b461p-30, 0x1.a62633p-58,
                                     0x1.45c06e0e68948p-86};
  static constexpr double largest = 1e8;
};

/// x minus q quarter turns.
template <class T> BIJOU_INLINE pack<T> without_quarters(pack<T> x, pack<T> q) {
  const auto& p = quarter_turn<T>::parts;
  pack<T> r = fnma(q, pack<T>(p[0]), x);
  r = fnma(q, pack<T>(p[1]), r);
  r = fnma(q, pack<T>(p[2]), r);
  r = fnma(q, pack<T>(p[3]), r);
  if constexpr (std::size(quarter_turn<T>::parts) > 4) r = fnma(q, pack<T>(p[4]), r);
  return r;
}

} // namespace detail

/// sin(2 pi u) and cos(2 pi u) for u in [0, 1]: no reduction of an angle, so no error from it. Max
/// error: 2 ulp. Anything outside [0, 1] is not a number worth having.
template <class T> BIJOU_INLINE sine_cosine<T> sincos_2pi(pack<T> u) {
  using namespace detail;
  const pack<T> shift(shifter<T>);
  const pack<T> shifted = fma(u, pack<T>(T(4)), shift);
  const pack<T> r = fma(shifted - shift, pack<T>(T(-0.25)), u); // exact, |r| <= 1/8
  return turned(sincos_octant(r), shifted);
}

/// sin(x) and cos(x) for |x| <= 10^4 in float, 10^8 in double; NaN beyond. Max error: 4 ulp.
template <class T> BIJOU_INLINE sine_cosine<T> sincos(pack<T> x) {
  using namespace detail;
  constexpr T turn = T(0.15915494309189533577); // 1 / (2 pi)
  const pack<T> shift(shifter<T>);
  const pack<T> shifted = fma(x, pack<T>(T(4) * turn), shift);
  const pack<T> r = without_quarters(x, shifted - shift);
  const pack<T> u = r * pack<T>(turn), u2 = u * u;
  const auto [s, c] = sincos_polynomials(u2);
  // s r / (2 pi), in an order that keeps the digits of a subnormal r.
  const auto result = turned<T>({(s * pack<T>(turn)) * r, fma(c, u2, pack<T>(T(1)))}, shifted);
  const auto known = abs(x) <= pack<T>(quarter_turn<T>::largest);
  const pack<T> unknown(quiet_nan<T>);
  return {select(known, result.sin, unknown), select(known, result.cos, unknown)};
}
/// sin(x): see sincos. Max error: 4 ulp.
template <class T> BIJOU_INLINE pack<T> sin(pack<T> x) { return sincos(x).sin; }
/// cos(x): see sincos. Max error: 4 ulp.
template <class T> BIJOU_INLINE pack<T> cos(pack<T> x) { return sincos(x).cos; }

// Scalars: one lane of the pack's answer, so the same bits.
template <std::floating_point T> inline T exp(T x) { return first(exp(pack<T>(x))); }
template <std::floating_point T> inline T expm1(T x) { return first(expm1(pack<T>(x))); }
template <std::floating_point T> inline T log(T x) { return first(log(pack<T>(x))); }
template <std::floating_point T> inline T log1p(T x) { return first(log1p(pack<T>(x))); }
template <std::floating_point T> inline T softplus(T x) { return first(softplus(pack<T>(x))); }
template <std::floating_point T> inline T log_sigmoid(T x) {
  return first(log_sigmoid(pack<T>(x)));
}
template <std::floating_point T> inline T sigmoid(T x) { return first(sigmoid(pack<T>(x))); }
template <std::floating_point T> inline T tanh(T x) { return first(tanh(pack<T>(x))); }
template <std::floating_point T> inline T sin(T x) { return first(sin(pack<T>(x))); }
template <std::floating_point T> inline T cos(T x) { return first(cos(pack<T>(x))); }
template <std::floating_point T> inline T sqrt(T x) { return std::sqrt(x); }
template <std::floating_point T> inline T abs(T x) { return std::abs(x); }
template <std::floating_point T> inline T min(T a, T b) { return a < b ? a : b; }
template <std::floating_point T> inline T max(T a, T b) { return a > b ? a : b; }
template <std::floating_point T> inline T select(bool m, T a, T b) { return m ? a : b; }
template <std::floating_point T> inline bool isnan(T x) { return x != x; }
template <std::floating_point T> inline T copysign(T a, T b) { return std::copysign(a, b); }
template <std::floating_point T> inline T fma(T a, T b, T c) {
  return first(fma(pack<T>(a), pack<T>(b), pack<T>(c)));
}
template <std::floating_point T> inline T fnma(T a, T b, T c) {
  return first(fnma(pack<T>(a), pack<T>(b), pack<T>(c)));
}

} // namespace bijou::inline BIJOU_ISA::math

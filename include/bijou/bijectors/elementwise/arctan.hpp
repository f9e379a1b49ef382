#pragma once
/// \file
/// y = 1/2 + atan(x) / pi, the distribution function of the standard Cauchy law, from the line onto
/// the unit interval.
///
///     log(dy/dx) = -log pi - log(1 + x^2)      dlog/dx = -2 x / (1 + x^2)
///     x = -cot(pi y) = cot(pi (1 - y))
///
/// Its tails are powers, y ~ 1 / (pi |x|), where those of the sigmoid are exponentials. Both ways
/// go by the distance from the nearer end, atan(1 / |x|) / pi or min(y, 1 - y), which does not
/// cancel. y never reaches an end by rounding: it lies in [smallest normal number, 1 - epsilon /
/// 2]. A y on an end (data do that) counts as if it were epsilon / 2 away, so that 0 and 1 cost the
/// same.
///
/// Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1 (1994), chapter 16.

#include <bijou/bijectors/elementwise.hpp>
#include <bijou/kernels/atan.hpp>
#include <bijou/kernels/dual.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/transformers/transformer.hpp>

#include <limits>

namespace bijou::inline BIJOU_ISA {

struct arctan_function {
  static constexpr const char* name = "arctan_map";
  static constexpr kind domain = kind::line, image = kind::unit;

  template <class X> BIJOU_INLINE X forward(X x) const {
    using math::abs, math::atan, math::max, math::min, math::select;
    using T = typename math::scalar_of<X>::type;
    using limits = std::numeric_limits<T>;
    const X a = abs(x);
    const auto far = a > X(1);
    const X angle = atan(select(far, X(1) / a, a));
    const X d = select(far, angle, X(T(half_pi)) - angle) * X(T(1 / pi));
    const X y = select(x < X(0), d, X(1) - d), last(1 - limits::epsilon() / 2);
    return max(X(limits::min()), min(last, y)); // bounds first: a NaN stays
  }
  template <class X> BIJOU_INLINE X inverse(X y) const {
    using math::cos, math::min, math::select, math::sin;
    using T = typename math::scalar_of<X>::type;
    using limits = std::numeric_limits<T>;
    const X nearer = select(y < X(0.5), y, X(1) - y);
    const X d = select((y <= X(0)) | (y >= X(1)), X(limits::epsilon() / 2), nearer);
    // cot(pi d) by an angle of at most pi/4 from the end or from the middle: both distances are
    // exact. Where the cotangent of a subnormal d overflows, the largest number stands for it.
    const auto far = d < X(0.25);
    const X angle = X(T(pi)) * select(far, d, X(0.5) - d), s = sin(angle), c = cos(angle);
    const X size = min(X(limits::max()), select(far, c, s) / select(far, s, c));
    return select(y < X(0.5), -size, size);
  }
  template <class X> BIJOU_INLINE X log_abs_slope(X x) const {
    using math::abs, math::log1p, math::select;
    using T = typename math::scalar_of<X>::type;
    // x^2 may overflow; long before that log(1 + x^2) is 2 log(1 + |x|) to the last bit.
    const X a = abs(x);
    const auto far = a > X(sizeof(T) == 4 ? T(0x1p60) : T(0x1p500));
    const X l = log1p(select(far, a, a * a));
    return -X(T(log_pi)) - select(far, l + l, l);
  }
  template <class P> BIJOU_INLINE slopes<P> slope(P x) const {
    using T = typename math::scalar_of<P>::type;
    return {P(T(1 / pi)) / fma(x, x, P(1)), P(-2) / (x + P(1) / x)}; // x = 0: -2 / infinity
  }

 private:
  static constexpr double pi = 3.14159265358979323846, half_pi = pi / 2,
                          log_pi = 1.14472988584940017414;
};

/// y = 1/2 + atan(x) / pi, the line onto the unit interval, with tails that are powers.
inline constexpr elementwise_t<arctan_function> arctan_map{};

} // namespace bijou::inline BIJOU_ISA

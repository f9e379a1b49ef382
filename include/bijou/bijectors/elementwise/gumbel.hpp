#pragma once
/// \file
/// y = exp(-e^-x), the distribution function of the standard Gumbel law, from the line onto the
/// unit interval.
///
///     log(dy/dx) = -x - e^-x      dlog/dx = e^-x - 1      x = -log(-log y)
///
/// The lower tail falls like an exponential of an exponential, the upper one like an exponential:
/// turned round, the word makes of uniform noise the law of the largest of many samples. y never
/// reaches an end by rounding: it lies in [smallest normal number, 1 - epsilon / 2]. A y on an end
/// (data do that) counts as if it were epsilon / 2 away. e^-x, the log slope of which overflows
/// from x = -88 on in float and from -709 on in double, ends at 2^100 and 2^1000: sums of log
/// slopes stay finite.
///
/// Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 2 (1995), chapter 22;
/// TensorFlow Probability's GumbelCDF with loc = 0 and scale = 1.

#include <bijou/bijectors/elementwise.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/transformers/function_map.hpp>
#include <bijou/transformers/transformer.hpp>

#include <limits>

namespace bijou::inline BIJOU_ISA {

struct gumbel_function {
  static constexpr const char* name = "gumbel_map";
  static constexpr kind domain = kind::line, image = kind::unit;

  template <class X> BIJOU_INLINE X forward(X x) const {
    using math::exp, math::max, math::min;
    using limits = std::numeric_limits<typename math::scalar_of<X>::type>;
    const X last(1 - limits::epsilon() / 2);
    return max(X(limits::min()), min(last, exp(-exp(-x)))); // bounds first: a NaN stays
  }
  template <class X> BIJOU_INLINE X inverse(X y) const {
    using math::log, math::select;
    using limits = std::numeric_limits<typename math::scalar_of<X>::type>;
    const X beside_0(limits::epsilon() / 2), beside_1(1 - limits::epsilon() / 2);
    const X inside = select(y <= X(0), beside_0, select(y >= X(1), beside_1, y));
    return -log(-log(inside));
  }
  template <class X> BIJOU_INLINE X log_abs_slope(X x) const {
    using math::max;
    // An x of -infinity would make a difference of infinities; where it ends here, e^-x has long
    // outgrown it.
    return -(max(X(-0x1p20F), x) + bounded_exp(x));
  }
  template <class P> BIJOU_INLINE slopes<P> slope(P x) const {
    const P e = bounded_exp(x);
    return {math::exp(-e) * e, detail::kept_finite(math::expm1(-x))};
  }

 private:
  template <class X> static BIJOU_INLINE X bounded_exp(X x) {
    using math::exp, math::min;
    using T = typename math::scalar_of<X>::type;
    return min(X(sizeof(T) == 4 ? T(0x1p100) : T(0x1p1000)), exp(-x));
  }
};

/// y = exp(-e^-x), the line onto the unit interval: the Gumbel law's distribution function.
inline constexpr elementwise_t<gumbel_function> gumbel_map{};

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// y = x where x > 0, else e^x - 1, from the line onto the numbers above -1: the exponential linear
/// unit.
///
///     log(dy/dx) = min(x, 0)      dlog/dx = 0 where x > 0, else 1
///     x = y where y > 0, else log(1 + y)
///
/// The slope is continuous and so is a density behind this word. y reaches -1 by rounding, from
/// x = -17 in float and -37 in double on; a y there counts as the number beside it, so that it
/// costs a finite amount. The support of y is the interval from -1 to infinity: a kind whose ends
/// make_flow compares.
///
/// Source: Clevert, Unterthiner & Hochreiter 2016 (1511.07289), equation 15 with alpha = 1. Pyro's
/// ELUTransform, whose inverse is log(1 + y + 1e-8).

#include <bijou/bijectors/elementwise.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/transformers/transformer.hpp>

#include <limits>

namespace bijou::inline BIJOU_ISA {

struct elu_function {
  static constexpr const char* name = "elu_map";
  static constexpr kind domain = kind::line, image = kind::interval;
  static constexpr double low = -1, high = std::numeric_limits<double>::infinity();

  template <class X> BIJOU_INLINE X forward(X x) const {
    using math::expm1, math::min, math::select;
    return select(x > X(0), x, expm1(min(X(0), x))); // bounds first: a NaN stays
  }
  template <class X> BIJOU_INLINE X inverse(X y) const {
    using math::log1p, math::max, math::min, math::select;
    using limits = std::numeric_limits<typename math::scalar_of<X>::type>;
    const X beside(-1 + limits::epsilon() / 2);
    return select(y > X(0), y, log1p(max(beside, min(X(0), y))));
  }
  template <class X> BIJOU_INLINE X log_abs_slope(X x) const {
    using math::min;
    return min(X(0), x);
  }
  template <class P> BIJOU_INLINE slopes<P> slope(P x) const {
    return {math::exp(math::min(P(0), x)), math::select(x > P(0), P(0), P(1))};
  }
};

/// y = x for x > 0, else e^x - 1: the line onto the numbers above -1.
inline constexpr elementwise_t<elu_function> elu_map{};

} // namespace bijou::inline BIJOU_ISA

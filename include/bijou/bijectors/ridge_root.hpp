#pragma once
/// \file
/// The equation that undoes a ridge: z + k tanh z = c with k > -1, for the words that have one.
///
/// Across a ridge y = x + ... tanh z only its height z is unknown: `planar` is undone by one such
/// equation for a sample, `sylvester` by one for each variable.

#include <bijou/kernels/bracketed_newton.hpp>
#include <bijou/kernels/math.hpp>

#include <limits>

namespace bijou::inline BIJOU_ISA::detail {

/// The equation for |c|: its root is |z|. stretch: 1 + k > 0.
///
/// Newton's steps do not overshoot: above 0 the left side is concave for k > 0 and convex for k <
/// 0, and `start` lies where the tangents lead straight to the root. It is the better of two
/// bounds: tanh z is below 1 and below z.
template <class T> struct ridge_equation {
  using pack = simd::pack<T>;
  pack k, stretch, height;
  pack start, low, high;

  BIJOU_INLINE ridge_equation(T one_plus_k, pack c)
      : k(one_plus_k - T(1)), stretch(one_plus_k), height(abs(c)) {
    const pack shifted = height - k, scaled = height / stretch;
    const bool concave = one_plus_k >= T(1);
    // Of min and max the second argument stays where the first is 0 / 0.
    start = concave ? max(scaled, shifted) : min(scaled, shifted);
    low = concave ? start : height;
    high = concave ? height : start;
  }
  BIJOU_INLINE newton_point<T> operator()(pack z) const {
    const pack ridge = math::tanh(z), square = ridge * ridge;
    return {fma(k, ridge, z - height), fma(pack(T(1)) - square, stretch, square),
            pack(4 * std::numeric_limits<T>::epsilon()) * (z + height)};
  }
};

/// z of each lane's c. Error: roundings of k tanh z over the slope 1 + k / cosh^2 z, and one of z.
/// Infinities and NaN give themselves. Cost: a tanh and a quotient a step; at most 6 steps for 1 +
/// k from 0.1 to 10, 10 from 0.001 to 1000, and 45 in the limit 1 + k = 0, where the slope
/// vanishes.
template <class T> BIJOU_INLINE simd::pack<T> ridge_root(T stretch, simd::pack<T> c) {
  const ridge_equation<T> equation(stretch, c);
  return copysign(bracketed_newton(equation.start, equation.low, equation.high, equation), c);
}

} // namespace bijou::inline BIJOU_ISA::detail

#pragma once
/// \file
/// The equation that undoes a ridge: z + k tanh z = c with k > -1, for the words that have one.
///
/// Across a ridge y = x + ... tanh z only its height z is unknown: `planar` is undone by one such
/// equation for a sample, `sylvester` by one for each variable.

#include <bijou/kernels/bracketed_newton.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/reverse/roots.hpp>

#include <limits>

namespace bijou::inline BIJOU_ISA::detail {

/// dy/dx across a ridge of this tanh, 1 + k (1 - tanh^2), as a sum of two terms above 0, which
/// cannot cancel. A function of reverse mode; stretch: 1 + k > 0, the slope at the foot of the
/// ridge.
struct ridge_slope {
  template <class P> BIJOU_INLINE static P value(P ridge, P stretch) {
    return fma(ridge, ridge, foot(ridge) * stretch);
  }
  template <class P, class A, class B>
  BIJOU_INLINE static void pull_back(P g, P, P ridge, P stretch, A to_ridge, B to_stretch) {
    to_ridge.add(g * ridge, P(2) * (P(1) - stretch));
    to_stretch.add(g, foot(ridge));
  }
  /// The slope of tanh.
  template <class P> BIJOU_INLINE static P foot(P ridge) { return fnma(ridge, ridge, P(1)); }
};

/// The equation for |c|: its root is |z|.
///
/// Newton's steps do not overshoot: above 0 the left side is concave for k > 0 and convex for k <
/// 0, and `start` lies where the tangents lead straight to the root. It is the better of two
/// bounds: tanh z is below 1 and below z.
template <class T> struct positive_ridge {
  using pack = simd::pack<T>;
  pack k, stretch, height;
  pack start, low, high;

  BIJOU_INLINE positive_ridge(pack one_plus_k, pack c)
      : k(one_plus_k - pack(T(1))), stretch(one_plus_k), height(abs(c)) {
    const pack shifted = height - k, scaled = height / stretch;
    const auto concave = one_plus_k >= pack(T(1));
    // Of min and max the second argument stays where the first is 0 / 0.
    start = select(concave, max(scaled, shifted), min(scaled, shifted));
    low = select(concave, start, height);
    high = select(concave, height, start);
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
template <class T> BIJOU_INLINE simd::pack<T> ridge_root(simd::pack<T> stretch, simd::pack<T> c) {
  const positive_ridge<T> equation(stretch, c);
  return copysign(bracketed_newton(equation.start, equation.low, equation.high, equation), c);
}

/// The same as an equation of reverse mode, f(z, 1 + k, c) = z + k tanh z - c.
struct ridge_equation {
  template <class P> BIJOU_INLINE P solve(P stretch, P c) const { return ridge_root(stretch, c); }
  template <class P> BIJOU_INLINE reverse_mode::root_slopes<P, 3> slopes(P z, P stretch, P) const {
    const P ridge = math::tanh(z);
    return {{ridge_slope::value(ridge, stretch), ridge, P(-1)}};
  }
};

} // namespace bijou::inline BIJOU_ISA::detail

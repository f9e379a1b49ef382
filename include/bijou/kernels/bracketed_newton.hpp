#pragma once
/// \file
/// Roots of rising functions, lane by lane: Newton's method, held in a bracket.
///
/// A step that leaves the bracket is replaced by its middle, so that the worst case is bisection
/// (Press et al., *Numerical Recipes*, section 9.4, has the scalar form). A lane stands still as
/// soon as its value is rounding error; from there its state repeats itself, so that the bits of
/// its root do not depend on how long its neighbours go on.

#include <bijou/kernels/simd.hpp>

namespace bijou::inline BIJOU_ISA::detail {

/// A function at a point.
template <class T> struct newton_point {
  simd::pack<T> value;
  simd::pack<T> slope;    ///< above 0
  simd::pack<T> rounding; ///< a value up to this may be rounding error
};

/// Steps after which a lane stops wherever it is.
inline constexpr int newton_steps = 64;

/// The root of a rising function between `low` and `high`, from a point between them. `at(x)` gives
/// a newton_point<T>. The last step starts at a value of rounding size, so that quadratic
/// convergence leaves only the error of the value itself, divided by the slope. A lane with a NaN
/// in its value stays where it is. Cost: `at` once a step, of the lane that needs most.
template <class T, class Function>
BIJOU_INLINE simd::pack<T> bracketed_newton(simd::pack<T> x, simd::pack<T> low, simd::pack<T> high,
                                            Function&& at) {
  using pack = simd::pack<T>;
  const pack half(T(0.5));
  pack next = x;
  for (int i = 0; i < newton_steps; ++i) {
    const newton_point<T> p = at(x);
    low = select(p.value < pack(T(0)), x, low);
    high = select(p.value > pack(T(0)), x, high);
    const auto found = !(abs(p.value) > p.rounding); // so a NaN is found too
    const pack newton = x - p.value / p.slope;
    const pack middle = fma(half, low, half * high);
    next = select((newton > low) & (newton < high), newton, select(found, x, middle));
    if (all(found)) break;
    x = select(found, x, next);
  }
  return next;
}

} // namespace bijou::inline BIJOU_ISA::detail

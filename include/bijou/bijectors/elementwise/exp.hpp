#pragma once
/// \file
/// y = e^x, from the line onto the positive half-line.
///
///     log(dy/dx) = x        dlog/dx = 1        x = log y
///
/// e^x overflows to infinity and underflows to 0 where the type's range ends (|x| about 88 in
/// float, 709 in double); the word makes the largest and the smallest normal number of these.

#include <bijou/bijectors/elementwise.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/transformers/transformer.hpp>

namespace bijou::inline BIJOU_ISA {

struct exp_function {
  static constexpr const char* name = "exp_map";
  static constexpr kind domain = kind::line, image = kind::positive;

  template <class X> BIJOU_INLINE X forward(X x) const {
    using math::exp;
    return exp(x);
  }
  template <class X> BIJOU_INLINE X inverse(X y) const {
    using math::log;
    return log(y);
  }
  template <class X> BIJOU_INLINE X log_abs_slope(X x) const { return x; }
  template <class P> BIJOU_INLINE slopes<P> slope(P x) const { return {forward(x), P(1)}; }
};

/// y = e^x, the line onto the positive half-line: a normal becomes log-normal.
inline constexpr elementwise_t<exp_function> exp_map{};

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// y = log(1 + e^x), from the line onto the positive half-line; near the identity for large x.
///
///     log(dy/dx) = log s(x)      dlog/dx = s(-x)      x = y + log(1 - e^-y)
///
/// s is the logistic function. Definition as torch's SoftplusTransform. Each form is the one that
/// does not cancel. Where e^x underflows, the word makes y the smallest normal number.

#include <bijou/bijectors/elementwise.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/transformers/transformer.hpp>

namespace bijou::inline BIJOU_ISA {

struct softplus_function {
  static constexpr const char* name = "softplus_map";
  static constexpr kind domain = kind::line, image = kind::positive;

  template <class X> BIJOU_INLINE X forward(X x) const {
    using math::softplus;
    return softplus(x);
  }
  template <class X> BIJOU_INLINE X inverse(X y) const {
    using math::expm1, math::log;
    return y + log(-expm1(-y));
  }
  template <class X> BIJOU_INLINE X log_abs_slope(X x) const {
    using math::log_sigmoid;
    return log_sigmoid(x);
  }
  template <class P> BIJOU_INLINE slopes<P> slope(P x) const {
    return {math::sigmoid(x), math::sigmoid(-x)};
  }
};

/// y = log(1 + e^x), the line onto the positive half-line, nearly linear above.
inline constexpr elementwise_t<softplus_function> softplus_map{};

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// y = x where x > 0, else slope x, from the line onto the line: `leaky_relu_map(slope)`.
///
///     log(dy/dx) = 0 where x > 0, else log slope      dlog/dx = 0
///     x = y where y > 0, else y / slope
///
/// At the kink the slope is that of the left, `slope`, as in PyTorch's F.leaky_relu and in
/// activations::leaky_relu. (Pyro's LeakyReLUTransform takes 1 there.) A density behind this word
/// jumps where y changes its sign.
///
/// Source: Maas, Hannun & Ng 2013, "Rectifier nonlinearities improve neural network acoustic
/// models", section 2.

#include <bijou/bijectors/elementwise.hpp>
#include <bijou/kernels/constexpr_log.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/transformers/option_text.hpp>
#include <bijou/transformers/transformer.hpp>

#include <limits>
#include <stdexcept>
#include <string>

namespace bijou::inline BIJOU_ISA {

struct leaky_relu_function {
  double slope_below; ///< dy/dx where x <= 0

  /// layers/elementwise_run.hpp makes its maps before it knows their options.
  constexpr leaky_relu_function() : leaky_relu_function(0.01) {}
  /// Throws std::invalid_argument unless 0 < slope, finite: else the map has no inverse.
  constexpr explicit leaky_relu_function(double slope) : slope_below(slope) {
    if (!(slope > 0) || slope > std::numeric_limits<double>::max())
      throw std::invalid_argument("leaky_relu_map(slope): expected a finite slope > 0, got " +
                                  detail::number_text(slope));
    log_slope_below_ = detail::constexpr_log(slope);
  }
  /// Throws std::invalid_argument if a T holds the slope as no normal number.
  template <class T> void check_options() const {
    detail::require_normal<T>(slope_below, text(), "the slope", "choose a slope nearer to 1");
  }
  std::string text() const { return "leaky_relu_map(" + detail::number_text(slope_below) + ")"; }

  template <class X> BIJOU_INLINE X forward(X x) const {
    using math::select;
    return select(x > X(0), x, below<X>(slope_below) * x);
  }
  template <class X> BIJOU_INLINE X inverse(X y) const {
    using math::select;
    return select(y > X(0), y, y / below<X>(slope_below));
  }
  template <class X> BIJOU_INLINE X log_abs_slope(X x) const {
    using math::isnan, math::select;
    return select(x > X(0), X(0), select(isnan(x), x, below<X>(log_slope_below_)));
  }
  template <class P> BIJOU_INLINE slopes<P> slope(P x) const {
    return {math::select(x > P(0), P(1), below<P>(slope_below)), P(0)};
  }

 private:
  double log_slope_below_ = 0;

  template <class X> static BIJOU_INLINE X below(double v) {
    return X(static_cast<typename math::scalar_of<X>::type>(v));
  }
};

/// y = x where x > 0, else slope x: the line onto the line, for any slope > 0.
/// \throws std::invalid_argument (a compile error in a constexpr expression) unless 0 < slope
constexpr auto leaky_relu_map(double slope = 0.01) {
  return elementwise_t<leaky_relu_function>{leaky_relu_function(slope)};
}

} // namespace bijou::inline BIJOU_ISA

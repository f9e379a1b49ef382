#pragma once
/// \file
/// `gumbel<D>`: D independent variables of Gumbel's distribution of largest values, with location 0
/// and scale 1.
///
///     p(x) = exp(-x - exp(-x))        log p(x) = -x - exp(-x)        dlog p/dx = exp(-x) - 1
///     P(x) = exp(-exp(-x))
///
/// Mean 0.5772 (Euler's constant), variance pi^2 / 6. The left tail ends as fast as exp(-exp|x|),
/// where log p is soon below the numbers of the type: -inf below x = -89 in float, -710 in double.
/// Samples are -log(e), e exponential: from -3.1 to 22.8 in float, from -3.6 to 37.4 in double.
///
/// Source: Gumbel 1958, "Statistics of Extremes", section 5.2.

#include <bijou/bases/exponential.hpp>

namespace bijou::inline BIJOU_ISA {

struct gumbel_law {
  static constexpr const char* name = "gumbel";
  static constexpr kind support = kind::line;

  template <class P> static BIJOU_INLINE P log_shape(P x) {
    // Where e^-x is infinite x counts as -1000: infinities of both signs would make a NaN.
    return -(math::max(P(-1000), x) + math::exp(-x));
  }
  static constexpr double log_scale() { return 0; }
  template <class P> static BIJOU_INLINE P score(P x) { return math::expm1(-x); }
  template <class B> static BIJOU_INLINE auto number(B w) {
    return -math::detail::log_normal(exponential_law::number(w));
  }
};

/// D independent Gumbel variables, P(x) = exp(-exp(-x)) each.
template <int D>
  requires(D > 0)
inline constexpr independent_t<gumbel_law, D> gumbel{};

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// `gated`: a sigmoid gate between the variable and a mean.
///
///     theta = (m, z)             mean and logit
///     s = sigmoid(z + b)         b = 2; `gated.sigmoid_bias(b)` for others
///     y = s x + (1 - s) m        log(dy/dx) = log s
///     x = y + (y - m) e^-(z+b)
///
/// The slope is below 1: the map can only contract, which keeps long chains stable. With
/// t = z + b and e = exp(-|t|), log s = min(t, 0) - log1p(e), handed out as log_slope and factor,
/// so that a sum over variables takes one logarithm. theta = 0 shrinks by sigmoid(b) (0.88) about
/// 0; there is no finite identity.
///
/// Source: inverse autoregressive flow, Kingma et al. 2016 (1606.04934), algorithm 1; order
/// of theta as in Pyro's AffineAutoregressive(stable=True). Cost: one exponential and one division
/// an element.

#include <bijou/kernels/math.hpp>
#include <bijou/transformers/option_text.hpp>
#include <bijou/transformers/transformer.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace bijou::inline BIJOU_ISA {

/// What is added to the gate's logit.
struct default_bias {
  static constexpr double bias = 2.0;
};
struct set_bias {
  double bias;
};

template <class Bias = default_bias> struct gated_t : Bias {
  using bijou_tag = transformer_tag;
  static constexpr int parameters = 2;
  static constexpr bool has_factor = true;
  static constexpr kind support = kind::line;
  static constexpr const char* name = "gated";

  /// The same transformer with the gate sigmoid(z + b).
  constexpr gated_t<set_bias> sigmoid_bias(double b) const { return {{b}}; }
  /// As it could be written.
  std::string text() const {
    std::string t = name;
    if (this->bias != default_bias::bias)
      t += ".sigmoid_bias(" + detail::number_text(this->bias) + ")";
    return t;
  }

  /// Throws std::invalid_argument unless numbers of type T hold e^-|b|.
  template <class T> void check_options() const {
    const double b = std::abs(this->bias);
    detail::require_normal<T>(std::exp(-b), text(), "e^-" + detail::number_text(b),
                              "choose a bias nearer to 0");
  }

  template <class P, class Theta> BIJOU_INLINE mapped<P> forward(P x, const Theta& theta) const {
    return forward(x, theta, keeps_nothing{});
  }

  /// Keeps the lesser of s and 1 - s, with the sign of t: the greater is 1 less it to the last bit.
  template <class P, class Theta, class Sink>
  BIJOU_INLINE mapped<P> forward(P x, const Theta& theta, Sink&& kept) const {
    const P t = biased(P(theta[1]));
    const gate<P> g(t);
    const mapped<P> m{simd::fma(g.s, x, g.rest * theta[0]), g.log_slope, g.e};
    kept.set(1, simd::copysign(simd::min(g.s, g.rest), t));
    return m;
  }

  template <class P, class Theta> BIJOU_INLINE mapped<P> inverse(P y, const Theta& theta) const {
    using T = typename P::value_type;
    const P t = biased(P(theta[1]));
    // Neither e^-t nor its reciprocal leaves the type: 0 times infinity would be NaN.
    const P least(std::numeric_limits<T>::min());
    const P e = simd::max(least, math::exp(-simd::abs(t)));
    const P odds = simd::select(t < P(0), P(1) / e, e);
    return {simd::fma(y - theta[0], odds, y), simd::min(P(0), t), e};
  }

  template <class P, class Theta> BIJOU_INLINE slopes<P> slope(P, const Theta& theta) const {
    using T = typename P::value_type;
    // Adjoints divide by the slope.
    const P least(std::numeric_limits<T>::min());
    return {simd::max(least, gate<P>(biased(P(theta[1]))).s), P(0)};
  }

  template <class P, class Theta, class Sink>
  BIJOU_INLINE P pull_back(P x, const Theta& theta, P gy, P gl, Sink&& g_theta) const {
    const gate<P> g(biased(P(theta[1])));
    return pull_back_gate(x - theta[0], g.s, g.rest, gy, gl, g_theta);
  }
  template <class P, class Kept, class Sink>
  BIJOU_INLINE P pull_back_kept(P x, const Kept& kept, P gy, P gl, Sink&& g_theta) const {
    const P lesser = simd::abs(P(kept[1])), greater = P(1) - lesser;
    const auto closing = simd::copysign(P(1), P(kept[1])) < P(0); // 0 has a sign as well
    return pull_back_gate(x - kept[0], simd::select(closing, lesser, greater),
                          simd::select(closing, greater, lesser), gy, gl, g_theta);
  }

  template <class T> void identity(T* theta, int stride) const { theta[0] = theta[stride] = T(0); }

 private:
  template <class P> BIJOU_INLINE P biased(P z) const {
    return z + P(static_cast<typename P::value_type>(this->bias));
  }

  template <class P, class Sink>
  static BIJOU_INLINE P pull_back_gate(P distance, P s, P rest, P gy, P gl, Sink&& g_theta) {
    const P gx = gy * s;
    g_theta.set(0, gy * rest);
    g_theta.set(1, simd::fma(gx, distance, gl) * rest);
    return gx;
  }

  // s and 1 - s, each to full relative precision, and the split logarithm of s.
  template <class P> struct gate {
    P s, rest, log_slope, e;
    explicit BIJOU_INLINE gate(P t) {
      e = math::exp(-simd::abs(t));
      const P r = P(1) / (P(1) + e);
      const P er = e * r;
      s = simd::select(t < P(0), er, r);
      rest = simd::select(t < P(0), r, er);
      log_slope = simd::min(P(0), t);
    }
  };
};

inline constexpr gated_t<> gated{};

} // namespace bijou::inline BIJOU_ISA

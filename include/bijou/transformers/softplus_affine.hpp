#pragma once
/// \file
/// `softplus_affine`: shift and a scale that is a softplus.
///
///     theta = (t, s)             shift and unconstrained scale
///     a = log(1 + e^s) + eps     scale, a > eps; eps = 1e-3, `softplus_affine.min_scale(eps)` for
///                                others
///     y = t + a x                log(dy/dx) = log a
///     x = (y - t) / a
///
/// The scale grows like s where that of `affine` and `clamped_affine` grows like e^s, and has no
/// upper bound; eps keeps it away from 0. d log a / ds = sigmoid(s) / a lies in [0, 1), so the
/// gradient of a log scale never explodes. The identity is t = 0, s = log(e^(1 - eps) - 1), to a
/// few roundings; theta = 0 shrinks by log 2 + eps (0.69).
///
/// Domain and image: the line. Source: nflows' MaskedAffineAutoregressiveTransform, of which each
/// variable's outputs are (s, t) and the forward map goes from data to noise. Cost: one exponential
/// and two logarithms an element; the inverse divides, and so does what the adjoint reads.

#include <bijou/kernels/math.hpp>
#include <bijou/transformers/option_text.hpp>
#include <bijou/transformers/transformer.hpp>

#include <cmath>
#include <stdexcept>
#include <string>

namespace bijou::inline BIJOU_ISA {

/// What is added to the softplus: eps in the formulas, which no scale falls below.
struct default_least_scale {
  static constexpr double least_scale = 1e-3;
};
struct set_least_scale {
  double least_scale;
};

template <class Least = default_least_scale> struct softplus_affine_t : Least {
  using bijou_tag = transformer_tag;
  static constexpr int parameters = 2;
  static constexpr bool has_factor = false;
  static constexpr kind support = kind::line;
  static constexpr const char* name = "softplus_affine";

  /// The same transformer with scales log(1 + e^s) + eps. Throws std::invalid_argument unless
  /// 0 < eps < 1: at 0 a scale could underflow, from 1 on no s gives the identity.
  constexpr softplus_affine_t<set_least_scale> min_scale(double eps) const {
    if (!(eps > 0 && eps < 1))
      throw std::invalid_argument("softplus_affine.min_scale(eps): expected 0 < eps < 1, got " +
                                  detail::number_text(eps));
    return {{eps}};
  }
  /// As it could be written.
  std::string text() const {
    std::string t = name;
    if (this->least_scale != default_least_scale::least_scale)
      t += ".min_scale(" + detail::number_text(this->least_scale) + ")";
    return t;
  }

  /// Throws std::invalid_argument unless numbers of type T hold eps.
  template <class T> void check_options() const {
    detail::require_normal<T>(this->least_scale, text(),
                              "the scale " + detail::number_text(this->least_scale),
                              "choose a larger one");
  }

  template <class P, class Theta> BIJOU_INLINE mapped<P> forward(P x, const Theta& theta) const {
    return forward(x, theta, keeps_nothing{});
  }

  /// Keeps a and d log a / ds.
  template <class P, class Theta, class Sink>
  BIJOU_INLINE mapped<P> forward(P x, const Theta& theta, Sink&& kept) const {
    const P s(theta[1]), a = scale(s);
    const mapped<P> m{simd::fma(x, a, P(theta[0])), math::log(a)};
    kept.set(0, a);
    kept.set(1, log_scale_slope(s, a));
    return m;
  }

  template <class P, class Theta> BIJOU_INLINE mapped<P> inverse(P y, const Theta& theta) const {
    const P a = scale(P(theta[1]));
    // A reciprocal would be subnormal for the largest scales, and lose digits.
    return {(y - theta[0]) / a, math::log(a)};
  }

  template <class P, class Theta> BIJOU_INLINE slopes<P> slope(P, const Theta& theta) const {
    return {scale(P(theta[1])), P(0)};
  }

  template <class P, class Theta, class Sink>
  BIJOU_INLINE P pull_back(P x, const Theta& theta, P gy, P gl, Sink&& g_theta) const {
    const P s(theta[1]), a = scale(s);
    return detail::pull_back_scale(x, a, log_scale_slope(s, a), gy, gl, g_theta);
  }
  template <class P, class Kept, class Sink>
  BIJOU_INLINE P pull_back_kept(P x, const Kept& kept, P gy, P gl, Sink&& g_theta) const {
    return detail::pull_back_scale(x, P(kept[0]), P(kept[1]), gy, gl, g_theta);
  }

  template <class T> void identity(T* theta, int stride) const {
    theta[0] = T(0);
    // expm1 because 1 - eps may be next to nothing.
    theta[stride] = static_cast<T>(std::log(std::expm1(1 - this->least_scale)));
  }

 private:
  // a. No exponential of a positive number is taken: a is finite wherever s is, and the sum of two
  // positive numbers cancels nothing, so that its logarithm is as good as it.
  template <class P> BIJOU_INLINE P scale(P s) const {
    using T = typename P::value_type;
    return math::softplus(s) + P(static_cast<T>(this->least_scale));
  }

  // d log a / ds = sigmoid(s) / a in one division; e is that of the softplus.
  template <class P> static BIJOU_INLINE P log_scale_slope(P s, P a) {
    const P e = math::exp(-simd::abs(s)), one(1);
    return simd::select(s < P(0), e, one) / ((one + e) * a);
  }
};

/// y = t + (softplus(s) + 1e-3) x: the affine transformer of nflows.
inline constexpr softplus_affine_t<> softplus_affine{};

} // namespace bijou::inline BIJOU_ISA

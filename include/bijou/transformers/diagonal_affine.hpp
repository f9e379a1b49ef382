#pragma once
/// \file
/// `diagonal_affine`: y = s x + t, with two numbers of their own for each variable, as they are.
///
///     theta = (t, s)             shift and scale
///     y = s x + t                log|dy/dx| = log|s|
///     x = (y - t) / s
///
/// The scale is the parameter itself, of any size and either sign, where those of `affine`,
/// `clamped_affine` and `softplus_affine` are functions of a parameter that keep it positive. So
/// the numbers of other libraries' layers can be put here: z-scores, activation normalisation,
/// batch normalisation in evaluation (docs/transformers/diagonal_affine.md says which go where),
/// and initialise_from(q, data) takes them from data. With `diagonal_affine.fixed()` they are not
/// trained, since their gradient is 0, but saved and loaded all the same.
///
/// s = 0 has no inverse, and a log slope of -infinity: the number is the user's. Gradients of a
/// log-density drive s away from 0, where the noise (y - t) / s of every sample but t is infinite;
/// a long step may land beyond it, which is a map as good as any. t = 0, s = 1 is the identity.
///
/// Domain and image: the line. Source: Kingma and Dhariwal 2018 (1807.03039), section 3.1; Ioffe &
/// Szegedy 2015 (1502.03167), algorithm 1. Cost: one logarithm an element; the inverse divides.

#include <bijou/kernels/math.hpp>
#include <bijou/transformers/fixed.hpp>
#include <bijou/transformers/transformer.hpp>

namespace bijou::inline BIJOU_ISA {

/// y = s x + t. Its adjoint reads the parameter itself, so forward has nothing to keep for it.
struct diagonal_affine_t {
  using bijou_tag = transformer_tag;
  static constexpr int parameters = 2;
  static constexpr bool has_factor = false;
  static constexpr kind support = kind::line;
  static constexpr const char* name = "diagonal_affine";

  /// The same with parameters that are not trained: a word by itself, not for networks.
  constexpr auto fixed() const { return fixed_t<diagonal_affine_t>{*this}; }

  template <class P, class Theta> BIJOU_INLINE mapped<P> forward(P x, const Theta& theta) const {
    const P s(theta[1]);
    return {simd::fma(x, s, P(theta[0])), math::log(simd::abs(s))};
  }

  template <class P, class Theta> BIJOU_INLINE mapped<P> inverse(P y, const Theta& theta) const {
    const P s(theta[1]);
    return {(y - theta[0]) / s, math::log(simd::abs(s))};
  }

  template <class P, class Theta> BIJOU_INLINE slopes<P> slope(P, const Theta& theta) const {
    return {P(theta[1]), P(0)};
  }

  template <class P, class Theta, class Sink>
  BIJOU_INLINE P pull_back(P x, const Theta& theta, P gy, P gl, Sink&& g_theta) const {
    const P s(theta[1]);
    g_theta.set(0, gy);
    g_theta.set(1, simd::fma(gy, x, gl / s));
    return gy * s;
  }

  template <class T> void identity(T* theta, int stride) const {
    theta[0] = T(0);
    theta[stride] = T(1);
  }
};

/// y = s x + t with an s and a t of their own for each variable.
inline constexpr diagonal_affine_t diagonal_affine{};

} // namespace bijou::inline BIJOU_ISA

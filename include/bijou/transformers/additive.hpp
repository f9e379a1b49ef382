#pragma once
/// \file
/// `additive`: a shift alone.
///
///     theta = (t)                shift
///     y = x + t                  log(dy/dx) = 0
///     x = y - t
///
/// The map preserves volume: its log-determinant is 0 nats whatever a network says, so that no
/// chain of such words makes a density higher or lower than the base has it somewhere. NICE ends
/// with a scale of each variable: `affine` with free parameters is one. theta = 0 is the identity.
/// By itself, `normal<4> | additive`, the word shifts each variable by a number of its own; with
/// `additive.fixed()` these are not trained.
///
/// Domain and image: the line. Source: the additive coupling layer of NICE, Dinh, Krueger and
/// Bengio 2014 (1410.8516), section 3.2. Cost: one addition an element.

#include <bijou/transformers/fixed.hpp>
#include <bijou/transformers/transformer.hpp>

namespace bijou::inline BIJOU_ISA {

/// y = x + t. Its adjoint reads no parameter, so forward has nothing to keep for it.
struct additive_t {
  using bijou_tag = transformer_tag;
  static constexpr int parameters = 1;
  static constexpr bool has_factor = false;
  static constexpr kind support = kind::line;
  static constexpr const char* name = "additive";

  /// The same with parameters that are not trained: a word by itself, not for networks.
  constexpr auto fixed() const { return fixed_t<additive_t>{*this}; }

  template <class P, class Theta> BIJOU_INLINE mapped<P> forward(P x, const Theta& theta) const {
    return {x + theta[0], P(0)};
  }

  template <class P, class Theta> BIJOU_INLINE mapped<P> inverse(P y, const Theta& theta) const {
    return {y - theta[0], P(0)};
  }

  template <class P, class Theta> BIJOU_INLINE slopes<P> slope(P, const Theta&) const {
    return {P(1), P(0)};
  }

  /// The cotangent of the log slope, gl, goes nowhere: that slope is constant.
  template <class P, class Theta, class Sink>
  BIJOU_INLINE P pull_back(P, const Theta&, P gy, P, Sink&& g_theta) const {
    g_theta.set(0, gy);
    return gy;
  }

  template <class T> void identity(T* theta, int) const { theta[0] = T(0); }
};

/// y = x + t: `coupling<64>(additive)` is a layer of NICE.
inline constexpr additive_t additive{};

} // namespace bijou::inline BIJOU_ISA

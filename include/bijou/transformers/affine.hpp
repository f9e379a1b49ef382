#pragma once
/// \file
/// `affine`: shift and a smoothly bounded positive scale.
///
///     theta = (t, u)             shift and unconstrained log scale
///     a = u / (1 + |u| / c)      log scale, |a| < c, da/du = 1 / (1 + |u| / c)^2
///     y = x e^a + t              log(dy/dx) = a
///     x = (y - t) e^-a
///
/// c = log(1000), so that scales lie in (1e-3, 1e3) whatever a network says, and no gradient
/// explodes or is cut off as with a hard clamp. theta = 0 is the identity.
///
/// Source: the affine layer of MAF, Papamakarios et al. 2017 (1705.07057), section 3.1; the bound
/// is that of zuko's MonotonicAffineTransform. Cost: one exponential and one division an element.

#include <bijou/kernels/math.hpp>
#include <bijou/transformers/transformer.hpp>

namespace bijou::inline BIJOU_ISA {

struct affine_t {
  using bijou_tag = transformer_tag;
  static constexpr int parameters = 2;
  static constexpr bool has_factor = false;
  static constexpr kind support = kind::line;
  static constexpr const char* name = "affine";

  /// c: the bound of |log scale|.
  static constexpr double log_scale_bound = 6.907755278982137;

  template <class P, class Theta> BIJOU_INLINE mapped<P> forward(P x, const Theta& theta) const {
    return forward(x, theta, keeps_nothing{});
  }

  /// Keeps e^a and da/du.
  template <class P, class Theta, class Sink>
  BIJOU_INLINE mapped<P> forward(P x, const Theta& theta, Sink&& kept) const {
    const bounded<P> a(theta[1]);
    const P scale = math::exp(a.value);
    const mapped<P> m{simd::fma(x, scale, P(theta[0])), a.value};
    kept.set(0, scale);
    kept.set(1, a.slope);
    return m;
  }

  template <class P, class Theta> BIJOU_INLINE mapped<P> inverse(P y, const Theta& theta) const {
    const P a = bounded<P>(theta[1]).value;
    return {(y - theta[0]) * math::exp(-a), a};
  }

  template <class P, class Theta> BIJOU_INLINE slopes<P> slope(P, const Theta& theta) const {
    return {math::exp(bounded<P>(theta[1]).value), P(0)};
  }

  template <class P, class Theta, class Sink>
  BIJOU_INLINE P pull_back(P x, const Theta& theta, P gy, P gl, Sink&& g_theta) const {
    const bounded<P> a(theta[1]);
    return detail::pull_back_scale(x, math::exp(a.value), a.slope, gy, gl, g_theta);
  }
  template <class P, class Kept, class Sink>
  BIJOU_INLINE P pull_back_kept(P x, const Kept& kept, P gy, P gl, Sink&& g_theta) const {
    return detail::pull_back_scale(x, P(kept[0]), P(kept[1]), gy, gl, g_theta);
  }

  template <class T> void identity(T* theta, int stride) const { theta[0] = theta[stride] = T(0); }

 private:
  // a and da/du.
  template <class P> struct bounded {
    P value, slope;
    explicit BIJOU_INLINE bounded(P u) {
      using T = typename P::value_type;
      const P r = P(1) / simd::fma(simd::abs(u), P(T(1 / log_scale_bound)), P(1));
      value = u * r;
      slope = r * r;
    }
  };
};

inline constexpr affine_t affine{};

} // namespace bijou::inline BIJOU_ISA

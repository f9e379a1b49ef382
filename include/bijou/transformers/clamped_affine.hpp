#pragma once
/// \file
/// `clamped_affine`: shift and an exponential scale whose logarithm is clamped.
///
///     theta = (t, u)             shift and log scale
///     a = clamp(u, lo, hi)       lo = -5, hi = 3; `clamped_affine.clip(lo, hi)` for others
///     y = x e^a + t              log(dy/dx) = a
///     x = (y - t) e^-a
///
/// The gradient passes straight through the clamp, da/du = 1 everywhere: a log scale that has left
/// [lo, hi] can come back, but finite differences in u do not agree with it out there. A NaN
/// survives the clamp. theta = 0 is the identity where 0 lies in [lo, hi].
///
/// Source: Pyro's AffineAutoregressive and AffineCoupling. `affine` has the smooth bound. Cost: one
/// exponential an element.

#include <bijou/kernels/math.hpp>
#include <bijou/transformers/option_text.hpp>
#include <bijou/transformers/transformer.hpp>

#include <cmath>
#include <stdexcept>
#include <string>

namespace bijou::inline BIJOU_ISA {

/// Where the log scale is clamped by default.
struct default_clip {
  static constexpr double min_log_scale = -5;
  static constexpr double max_log_scale = 3;
};
struct set_clip {
  double min_log_scale;
  double max_log_scale;
};

template <class Clip = default_clip> struct clamped_affine_t : Clip {
  using bijou_tag = transformer_tag;
  static constexpr int parameters = 2;
  static constexpr bool has_factor = false;
  static constexpr kind support = kind::line;
  static constexpr const char* name = "clamped_affine";

  /// The same transformer with log scales clamped to [lo, hi]. Throws std::invalid_argument unless
  /// lo < hi.
  constexpr clamped_affine_t<set_clip> clip(double lo, double hi) const {
    if (!(lo < hi))
      throw std::invalid_argument("clamped_affine.clip(lo, hi): expected lo < hi, got " +
                                  detail::number_text(lo) + " and " + detail::number_text(hi));
    return {{lo, hi}};
  }
  /// As it could be written.
  std::string text() const {
    std::string t = name;
    if (this->min_log_scale != default_clip::min_log_scale ||
        this->max_log_scale != default_clip::max_log_scale)
      t += ".clip(" + detail::number_text(this->min_log_scale) + ", " +
           detail::number_text(this->max_log_scale) + ")";
    return t;
  }

  /// Throws std::invalid_argument unless numbers of type T hold scales as large and as small.
  template <class T> void check_options() const {
    for (const double a : {this->min_log_scale, this->max_log_scale})
      detail::require_normal<T>(std::exp(-std::abs(a)), text(),
                                "e^-" + detail::number_text(std::abs(a)), "clip to less");
  }

  template <class P, class Theta> BIJOU_INLINE mapped<P> forward(P x, const Theta& theta) const {
    return forward(x, theta, keeps_nothing{});
  }

  /// Keeps e^a.
  template <class P, class Theta, class Sink>
  BIJOU_INLINE mapped<P> forward(P x, const Theta& theta, Sink&& kept) const {
    const P a = clamped(P(theta[1])), scale = math::exp(a);
    const mapped<P> m{simd::fma(x, scale, P(theta[0])), a};
    kept.set(0, scale);
    return m;
  }

  template <class P, class Theta> BIJOU_INLINE mapped<P> inverse(P y, const Theta& theta) const {
    const P a = clamped(P(theta[1]));
    return {(y - theta[0]) * math::exp(-a), a};
  }

  template <class P, class Theta> BIJOU_INLINE slopes<P> slope(P, const Theta& theta) const {
    return {math::exp(clamped(P(theta[1]))), P(0)};
  }

  template <class P, class Theta, class Sink>
  BIJOU_INLINE P pull_back(P x, const Theta& theta, P gy, P gl, Sink&& g_theta) const {
    return pull_back_scale(x, math::exp(clamped(P(theta[1]))), gy, gl, g_theta);
  }
  template <class P, class Kept, class Sink>
  BIJOU_INLINE P pull_back_kept(P x, const Kept& kept, P gy, P gl, Sink&& g_theta) const {
    return pull_back_scale(x, P(kept[0]), gy, gl, g_theta);
  }

  template <class T> void identity(T* theta, int stride) const { theta[0] = theta[stride] = T(0); }

 private:
  template <class P, class Sink>
  static BIJOU_INLINE P pull_back_scale(P x, P scale, P gy, P gl, Sink&& g_theta) {
    const P gx = gy * scale;
    g_theta.set(0, gy);
    g_theta.set(1, simd::fma(gx, x, gl));
    return gx;
  }

  template <class P> BIJOU_INLINE P clamped(P u) const {
    using T = typename P::value_type;
    // The bound comes first, so that a NaN in u is what remains.
    return simd::max(P(T(this->min_log_scale)), simd::min(P(T(this->max_log_scale)), u));
  }
};

inline constexpr clamped_affine_t<> clamped_affine{};

} // namespace bijou::inline BIJOU_ISA

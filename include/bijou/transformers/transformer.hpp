#pragma once
/// \file
/// What a transformer is: a monotone map of one variable, steered by parameters theta.
///
/// A transformer knows nothing of where theta comes from: a conditioner (autoregressive, coupling)
/// or free parameters drive it. All its functions work on packs, a lane per sample or per variable.
///
/// | member | gives |
/// |---|---|
/// | `parameters`, `has_factor`, `support`, `name` | constants |
/// | `forward(x, theta)` | y and log(dy/dx) |
/// | `inverse(y, theta)` | x and log(dy/dx) at x: the slope of the forward map |
/// | `slope(x, theta)` | dy/dx and d log(dy/dx) / dx |
/// | `pull_back(x, theta, gy, gl, g_theta)` | cotangent of x; sets those of theta |
/// | `identity(theta, stride)` | parameters at which the map is the identity, or near it |
/// | `text()` | with options: how it is written |
/// | `check_options<T>()` | with options: throws where the type T cannot hold one |
/// | `forward(x, theta, kept)` | optional: forward, and what its adjoint reads, in theta's places |
/// | `pull_back_kept(x, kept, gy, gl, g_theta)` | then: pull_back from that |
/// | `pull_back_inverse(x, y, theta, gx, gl, g_theta)` | optional: adjoint of the inverse; has y |
///
/// Networks begin at `identity`, by the biases of their outputs, and so do free parameters. What is
/// kept takes the places of theta, which must be read before. A network's tape has D rows more
/// where there is a `pull_back_inverse`: they hold y.
///
/// The adjoint of the inverse needs no function of its own. With x = f^-1(y), cotangents gx of x
/// and gl of log|dx/dy|: b = gx - gl * dlog, gy = b / slope, g_theta = pull_back(x, theta, -gy,
/// -gl). A map that is made of pieces has one all the same: y knows the piece that the inverse
/// took, x may have been rounded into the next.

#include <bijou/grammar/kind.hpp>
#include <bijou/kernels/direction.hpp>
#include <bijou/kernels/simd.hpp>

#include <concepts>
#include <limits>

namespace bijou::inline BIJOU_ISA {

struct transformer_tag {};

/// A mapped value and the log of the forward slope, split so that many logarithms may share one:
/// log(dy/dx) = log_slope - log1p(factor) where the transformer has a factor, else log_slope.
template <class P> struct mapped {
  P value;
  P log_slope;
  P factor{};
};

/// dy/dx and d log(dy/dx) / dx.
template <class P> struct slopes {
  P slope;
  P dlog;
};

/// Rows of parameters read on access: theta[j] is the pack at p + j * stride.
template <class T> struct theta_rows {
  const T* p;
  int stride;
  BIJOU_INLINE simd::pack<T> operator[](int j) const { return simd::pack<T>::load(p + j * stride); }
};

/// Parameters that all lanes share: theta[j] is p[j * stride] in every lane.
template <class T> struct theta_broadcast {
  const T* p;
  int stride;
  BIJOU_INLINE simd::pack<T> operator[](int j) const { return {p[j * stride]}; }
};

/// Where pull_back puts cotangents of theta: set(j, g) stores g at p + j * stride.
template <class T> struct theta_sink {
  T* p;
  int stride;
  BIJOU_INLINE void set(int j, simd::pack<T> g) const { g.store(p + j * stride); }
};

/// Where forward puts what it keeps when nobody will ask for it.
struct keeps_nothing {
  template <class P> BIJOU_INLINE void set(int, P) const {}
};

/// Whether a transformer's forward keeps something for its adjoint: what took an exponential or a
/// division is not computed twice.
template <class Tr>
concept keeping_transformer = requires(const Tr& tr, simd::pack<float> x, theta_rows<float> theta,
                                       theta_sink<float> kept) { tr.forward(x, theta, kept); };

/// Whether the adjoint of a transformer's inverse is a function of its own, which asks for y.
template <class Tr>
concept has_pull_back_inverse =
    requires(const Tr& tr, simd::pack<float> v, theta_rows<float> theta, theta_sink<float> g) {
      tr.pull_back_inverse(v, v, theta, v, v, g);
    };

namespace detail {

/// A transformer, this way or that.
template <direction Way, class Tr, class P, class Theta>
BIJOU_INLINE mapped<P> run_transformer(const Tr& tr, P v, const Theta& theta) {
  if constexpr (Way == direction::forward)
    return tr.forward(v, theta);
  else
    return tr.inverse(v, theta);
}

/// The adjoint of the inverse: cotangent of y from those of x = f^-1(y) and of log|dx/dy|.
template <class Tr, class P, class Theta, class Sink>
BIJOU_INLINE P pull_back_inverse(const Tr& tr, P x, P y, const Theta& theta, P gx, P gl,
                                 Sink&& g_theta) {
  if constexpr (has_pull_back_inverse<Tr>) {
    return tr.pull_back_inverse(x, y, theta, gx, gl, g_theta);
  } else {
    const slopes<P> d = tr.slope(x, theta);
    const P gy = fnma(gl, d.dlog, gx) / d.slope;
    tr.pull_back(x, theta, -gy, -gl, g_theta);
    return gy;
  }
}

/// The adjoint of y = t + a x with parameters (t, s), of which a has the slope d log a / ds.
template <class P, class Sink>
BIJOU_INLINE P pull_back_scale(P x, P a, P slope, P gy, P gl, Sink&& g_theta) {
  const P gx = gy * a;
  g_theta.set(0, gy);
  g_theta.set(1, simd::fma(gx, x, gl) * slope);
  return gx;
}

/// A cotangent divided by a slope that may be next to nothing. The quotient saturates: it is
/// multiplied by lengths and slopes on its way to parameters, and an infinity times 0 is NaN.
template <class P> BIJOU_INLINE P cotangent_quotient(P g, P slope) {
  using T = typename P::value_type;
  const P least(std::numeric_limits<T>::min()), most(sizeof(T) == 4 ? T(0x1p110F) : T(0x1p1000));
  const P divisor = copysign(max(least, abs(slope)), slope);
  return max(-most, min(most, g / divisor)); // bounds first: a NaN stays
}

} // namespace detail

template <class T>
concept transformer = std::same_as<typename T::bijou_tag, transformer_tag>;

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// The nonlinearities of hidden units, each an empty function object on packs.
///
/// | word | value | derivative |
/// |---|---|---|
/// | `relu` | max(0, z) | 1 where h > 0, else 0 |
/// | `leaky_relu` | max(z/100, z) | 1 where h > 0, else 1/100 |
/// | `elu` | z where z > 0, else e^z - 1 | 1 where h > 0, else 1 + h |
/// | `tanh` | tanh z | 1 - h^2 |
/// | `sigmoid` | s(z) = 1 / (1 + e^-z) | h - h^2 |
/// | `softplus` | log(1 + e^z) | 1 - e^-h |
/// | `silu` | z s(z) | s + z s (1 - s) |
/// | `gelu` | z s(2u), u = sqrt(2/pi) (z + 0.044715 z^3) | s + 2 z u' s (1 - s) |
/// | `linear` | z | 1 |
///
/// `derivative` takes the output h where `derivative_from_output`, so that a tape need not keep z
/// beside h; else it takes z. A NaN passes through every value. The words live in a namespace of
/// their own because several are names of the standard library.
///
/// Sources: elu, Clevert et al. 2015 (1511.07289); gelu (tanh form) and silu, Hendrycks & Gimpel
/// 2016 (1606.08415), section 2.

#include <bijou/kernels/math.hpp>
#include <bijou/kernels/simd.hpp>

namespace bijou::inline BIJOU_ISA::activations {

namespace detail {
/// s(z) and s(z) (1 - s(z)), both to full relative precision: 1 - s would cancel.
template <class P> struct logistic {
  P value, slope;
  explicit BIJOU_INLINE logistic(P z) {
    const P e = math::exp(-simd::abs(z));
    const P r = P(1) / (P(1) + e);
    const P er = e * r;
    value = simd::select(z < P(0), er, r);
    slope = er * r;
  }
};
} // namespace detail

struct relu_t {
  static constexpr const char* name = "relu";
  static constexpr bool derivative_from_output = true;
  template <class P> BIJOU_INLINE P operator()(P z) const { return simd::max(P(0), z); }
  template <class P> BIJOU_INLINE P derivative(P h) const {
    return simd::select(h > P(0), P(1), P(0));
  }
  /// derivative(h) times g; where h is NaN, g as it is.
  template <class P> BIJOU_INLINE P pull_back(P h, P g) const {
    return simd::select(h <= P(0), P(0), g);
  }
};

struct leaky_relu_t {
  static constexpr const char* name = "leaky_relu";
  static constexpr bool derivative_from_output = true;
  template <class T> static constexpr T low = T(0.01);
  template <class P> BIJOU_INLINE P operator()(P z) const {
    return simd::max(P(low<typename P::value_type>) * z, z);
  }
  template <class P> BIJOU_INLINE P derivative(P h) const {
    return simd::select(h > P(0), P(1), P(low<typename P::value_type>));
  }
};

struct elu_t {
  static constexpr const char* name = "elu";
  static constexpr bool derivative_from_output = true;
  template <class P> BIJOU_INLINE P operator()(P z) const {
    return simd::select(z > P(0), z, math::expm1(z));
  }
  template <class P> BIJOU_INLINE P derivative(P h) const {
    return simd::select(h > P(0), P(1), P(1) + h);
  }
};

struct tanh_t {
  static constexpr const char* name = "tanh";
  static constexpr bool derivative_from_output = true;
  template <class P> BIJOU_INLINE P operator()(P z) const { return math::tanh(z); }
  template <class P> BIJOU_INLINE P derivative(P h) const { return simd::fnma(h, h, P(1)); }
};

struct sigmoid_t {
  static constexpr const char* name = "sigmoid";
  static constexpr bool derivative_from_output = true;
  template <class P> BIJOU_INLINE P operator()(P z) const { return math::sigmoid(z); }
  template <class P> BIJOU_INLINE P derivative(P h) const { return simd::fnma(h, h, h); }
};

struct softplus_t {
  static constexpr const char* name = "softplus";
  static constexpr bool derivative_from_output = true;
  template <class P> BIJOU_INLINE P operator()(P z) const { return math::softplus(z); }
  template <class P> BIJOU_INLINE P derivative(P h) const { return -math::expm1(-h); }
};

struct silu_t {
  static constexpr const char* name = "silu";
  static constexpr bool derivative_from_output = false;
  template <class P> BIJOU_INLINE P operator()(P z) const { return z * math::sigmoid(z); }
  template <class P> BIJOU_INLINE P derivative(P z) const {
    const detail::logistic<P> s(z);
    return simd::fma(z, s.slope, s.value);
  }
};

struct gelu_t {
  static constexpr const char* name = "gelu";
  static constexpr bool derivative_from_output = false;
  template <class P> BIJOU_INLINE P operator()(P z) const {
    return z * math::sigmoid(twice_u(z, z * z));
  }
  template <class P> BIJOU_INLINE P derivative(P z) const {
    // Beyond +-30 the derivative is 0 or 1 to the last bit, while z u' could overflow.
    using T = typename P::value_type;
    const P b(T(30));
    z = simd::max(-b, simd::min(b, z));
    const P zz = z * z;
    const detail::logistic<P> s(twice_u(z, zz));
    const P twice_du = P(T(scale)) * simd::fma(P(T(3 * cubic)), zz, P(1));
    return simd::fma(z * twice_du, s.slope, s.value);
  }

 private:
  static constexpr double scale = 1.5957691216057307; // 2 sqrt(2/pi)
  static constexpr double cubic = 0.044715;
  template <class P> static BIJOU_INLINE P twice_u(P z, P zz) {
    using T = typename P::value_type;
    return P(T(scale)) * z * simd::fma(P(T(cubic)), zz, P(1));
  }
};

struct linear_t {
  static constexpr const char* name = "linear";
  static constexpr bool derivative_from_output = true;
  template <class P> BIJOU_INLINE P operator()(P z) const { return z; }
  template <class P> BIJOU_INLINE P derivative(P) const { return P(1); }
};

inline constexpr relu_t relu{};
inline constexpr leaky_relu_t leaky_relu{};
inline constexpr elu_t elu{};
inline constexpr tanh_t tanh{};
inline constexpr sigmoid_t sigmoid{};
inline constexpr softplus_t softplus{};
inline constexpr silu_t silu{};
inline constexpr gelu_t gelu{};
inline constexpr linear_t linear{};

} // namespace bijou::inline BIJOU_ISA::activations

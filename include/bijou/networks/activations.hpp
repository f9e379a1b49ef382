#pragma once
/// \file
/// The nonlinearities of hidden units, each an empty function object on packs.
///
/// | word | value | derivative |
/// |---|---|---|
/// | `relu` | max(0, z) | 1 where h > 0, else 0 |
/// | `leaky_relu` | max(z/100, z) | 1 where h > 0, else 1/100 |
/// | `elu` | z where z > 0, else e^z - 1 | 1 where h > 0, else 1 + h |
/// | `selu` | r z where z > 0, else r a (e^z - 1); r = 1.0507, a = 1.6733 | r where h > 0, else r a
/// + h | | `tanh` | tanh z | 1 - h^2 | | `sigmoid` | s(z) = 1 / (1 + e^-z) | h - h^2 | | `softplus`
/// | log(1 + e^z) | 1 - e^-h | | `silu` | z s(z) | s + z s (1 - s) | | `gelu` | z Phi(z), Phi(z) =
/// (1 + erf(z / sqrt 2)) / 2 | Phi + z phi(z) | | `gelu_tanh` | z s(2u), u = sqrt(2/pi) (z +
/// 0.044715 z^3) | s + 2 z u' s (1 - s) | | `mish` | z w, w = tanh(log(1 + e^z)) | w + z (1 - w^2)
/// s | | `linear` | z | 1 |
///
/// `derivative` takes the output h where `derivative_from_output`, so that a tape need not keep z
/// beside h; else it takes z. A NaN passes through every value. The words live in a namespace of
/// their own because several are names of the standard library.
///
/// `gelu` is the function itself, PyTorch's nn.GELU(); `gelu_tanh` is the approximation of it that
/// PyTorch calls nn.GELU(approximate="tanh"), up to 4.7e-4 away: weights trained with one of the
/// two belong to that one.
///
/// Sources: elu, Clevert et al. 2015 (1511.07289); selu, Klambauer et al. 2017 (1706.02515),
/// equation 2; mish, Misra 2019 (1908.08681), equation 1; gelu (both forms) and silu, Hendrycks &
/// Gimpel 2016 (1606.08415), section 2.

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

/// M(a) = Q(a) e^(a^2/2), where Q is a standard normal's mass beyond a: N(a) / D(a) on [0, end].
/// Minimax in relative error (a Remez iteration in 50 digits; 2^-27 and 2^-60). All coefficients
/// are positive, so nothing cancels.
template <class T> struct mills;
template <> struct mills<float> {
  static constexpr float end = 14.0F; // beyond, e^(-a^2/2) is 0
  static constexpr int low_bits = 12; // without them the square of a is exact
  static constexpr float above[] = {0.5F, 0x1.bfbee6p-2F, 0x1.75aed6p-3F, 0x1.4abbc6p-5F,
                                    0x1.0b3b68p-8F};
  static constexpr float under[] = {1.0F,           0x1.ac21a4p+0F, 0x1.3304dep+0F,
                                    0x1.dea61ep-2F, 0x1.9e8a76p-4F, 0x1.4eebe6p-7F};
};
template <> struct mills<double> {
  static constexpr double end = 38.0;
  static constexpr int low_bits = 27;
  static constexpr double above[] = {0.5,
                                     0x1.a78c9b08f4a8cp-1,
                                     0x1.5b6adc1099813p-1,
                                     0x1.6d15e7767bc30p-2,
                                     0x1.0d9cd06051f39p-3,
                                     0x1.231460e40bab6p-5,
                                     0x1.d0a449e5ba681p-8,
                                     0x1.0f0bb2bfa32dfp-10,
                                     0x1.bc1309fc4f9b0p-14,
                                     0x1.d08dab4784e1fp-18,
                                     0x1.dd15113caa0fap-23};
  static constexpr double under[] = {1.0,
                                     0x1.39e76253cb2dbp+1,
                                     0x1.682af112fe15ep+1,
                                     0x1.ff783abdae01cp+0,
                                     0x1.f49a88036539ap-1,
                                     0x1.6391d0b0303cfp-2,
                                     0x1.7749af4850a00p-4,
                                     0x1.27803e6e40fa4p-6,
                                     0x1.55fad08317b4bp-9,
                                     0x1.16ddc373162f1p-12,
                                     0x1.231d9c7513fc5p-16,
                                     0x1.2af78cca3409dp-21};
};

/// The upper tail of a standard normal at a >= 0: its mass is mass * fall, which a itself would
/// cancel in 1 - Phi(a).
template <class P> struct normal_tail {
  P at;   // a, at most mills::end
  P mass; // M(a)
  P fall; // e^(-a^2/2)
  explicit BIJOU_INLINE normal_tail(P a) : at(simd::min(P(mills<T>::end), a)) {
    mass = math::detail::polynomial(at, mills<T>::above) /
           math::detail::polynomial(at, mills<T>::under);
    // A rounding of a^2 / 2 would cost as many ulp as its size: what it loses is put back.
    constexpr auto kept = static_cast<simd::word<T>>(~simd::word<T>(0)) << mills<T>::low_bits;
    const P high = simd::from_bits<T>(simd::to_bits(at) & simd::bits<simd::word<T>>(kept));
    const P square = high * high * P(T(0.5)), rest = (at - high) * (at + high) * P(T(0.5));
    const P half_square = square + rest, lost = (square - half_square) + rest;
    const P rounded = math::exp(-half_square);
    fall = simd::fnma(rounded, lost, rounded);
  }

 private:
  using T = typename P::value_type;
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

/// The elu that keeps mean 0 and variance 1 from layer to layer.
struct selu_t {
  static constexpr const char* name = "selu";
  static constexpr bool derivative_from_output = true;
  static constexpr double scale = 1.0507009873554804934, low = 1.6732632423543772848;
  template <class P> BIJOU_INLINE P operator()(P z) const {
    using T = typename P::value_type;
    return simd::select(z > P(0), P(T(scale)) * z, P(T(scale * low)) * math::expm1(z));
  }
  template <class P> BIJOU_INLINE P derivative(P h) const {
    using T = typename P::value_type;
    return simd::select(h > P(0), P(T(scale)), P(T(scale * low)) + h);
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

/// Max error of the value: 8 ulp in float and 12 in double far below 0, 4 ulp above; subnormal
/// results become 0. The derivative is off by at most 3 ulp of |Phi| + |z phi|. Enforced by
/// tests/networks/activations.cpp.
struct gelu_t {
  static constexpr const char* name = "gelu";
  static constexpr bool derivative_from_output = false;
  template <class P> BIJOU_INLINE P operator()(P z) const {
    // z - z Q(z) above 0 and z Q(-z) below: |z| Q(|z|) is small where it must be.
    const detail::normal_tail<P> tail(simd::abs(z));
    return simd::max(P(0), z) - tail.at * tail.mass * tail.fall;
  }
  template <class P> BIJOU_INLINE P derivative(P z) const {
    using T = typename P::value_type;
    constexpr T peak = T(0.39894228040143267794); // 1 / sqrt(2 pi), of phi
    const detail::normal_tail<P> tail(simd::abs(z));
    const P below = simd::fnma(tail.at, P(peak), tail.mass) * tail.fall;
    return simd::select(z < P(0), below, P(1) - below);
  }
};

struct gelu_tanh_t {
  static constexpr const char* name = "gelu_tanh";
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

/// By e = e^-|z|: tanh(log(1 + e^z)) is a quotient of polynomials in it that neither overflow nor
/// cancel on their side of 0.
struct mish_t {
  static constexpr const char* name = "mish";
  static constexpr bool derivative_from_output = false;
  template <class P> BIJOU_INLINE P operator()(P z) const { return z * parts<P>(z).gate; }
  template <class P> BIJOU_INLINE P derivative(P z) const {
    const parts<P> p(z);
    // Far out the slope is 0 to the last bit, and z could be infinite.
    using T = typename P::value_type;
    const P b(T(800)), near = simd::max(-b, simd::min(b, z));
    return simd::fma(near, p.slope, p.gate);
  }

 private:
  template <class P> struct parts {
    P gate, slope; // w, and (1 - w^2) s, its derivative
    explicit BIJOU_INLINE parts(P z) {
      const auto above = z > P(0);
      const P e = math::exp(-simd::abs(z)), one(1), two(2);
      const P next = one + e; // 1 + e^z, over e^z above 0
      const P square = next * next;
      const P all = square + simd::select(above, e * e, one);
      // w = ((1 + e^z)^2 - 1) / ((1 + e^z)^2 + 1)
      gate = simd::select(above, simd::fma(two, e, one), e * (e + two)) / all;
      slope = P(4) * simd::select(above, e * e, e) * next / (all * all);
    }
  };
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
inline constexpr selu_t selu{};
inline constexpr tanh_t tanh{};
inline constexpr sigmoid_t sigmoid{};
inline constexpr softplus_t softplus{};
inline constexpr silu_t silu{};
inline constexpr gelu_t gelu{};
inline constexpr gelu_tanh_t gelu_tanh{};
inline constexpr mish_t mish{};
inline constexpr linear_t linear{};

} // namespace bijou::inline BIJOU_ISA::activations

#pragma once
/// \file
/// The one door to SIMD: `pack<T>`, a register of lanes, and the few operations kernels need.
///
/// No other header includes xsimd. What is broken or missing in a supported release of xsimd is
/// repaired here, so that the same program gives the same bits with g++ and clang:
///  * products that feed a sum are fused only where `fma` is written. g++ contracts `a * b + c` on
///    its own, differently in different surroundings; operator* hides its result from that.
///  * xsimd 8's AVX-512 `fma` is a multiply and an add under clang; here it is the instruction.
///  * min, max and clamp have one documented behaviour for NaN in all releases.

#include <bijou/kernels/isa.hpp>

#include <xsimd/xsimd.hpp>

#include <concepts>
#include <cstdint>
#include <type_traits>

#define BIJOU_INLINE inline __attribute__((always_inline))

namespace bijou::inline BIJOU_ISA::simd {

/// Vector registers the instruction set has: what a register block of a kernel may use.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int registers = 32;
#else
inline constexpr int registers = 16;
#endif

/// Lanes that answered a comparison with yes.
template <class T> struct mask {
  xsimd::batch_bool<T> v;
  friend BIJOU_INLINE mask operator&(mask a, mask b) { return {a.v & b.v}; }
  friend BIJOU_INLINE mask operator|(mask a, mask b) { return {a.v | b.v}; }
  friend BIJOU_INLINE mask operator!(mask a) { return {!a.v}; }
};

/// A register of lanes. Arithmetic is IEEE and lane by lane; a scalar converts to equal lanes.
template <class T> struct pack {
  using value_type = T;
  using batch = xsimd::batch<T>;
  static constexpr int size = static_cast<int>(batch::size);

  batch v;

  pack() = default;
  BIJOU_INLINE pack(batch b) : v(b) {}
  BIJOU_INLINE pack(T s) : v(s) {}

  static BIJOU_INLINE pack load(const T* p) { return {batch::load_unaligned(p)}; }
  BIJOU_INLINE void store(T* p) const { v.store_unaligned(p); }
  /// Lane i. For tests and rare paths: goes through memory.
  T operator[](int i) const {
    alignas(64) T a[size];
    store(a);
    return a[i];
  }

  friend BIJOU_INLINE pack operator+(pack a, pack b) { return {a.v + b.v}; }
  friend BIJOU_INLINE pack operator-(pack a, pack b) { return {a.v - b.v}; }
  friend BIJOU_INLINE pack operator/(pack a, pack b) { return {a.v / b.v}; }
  friend BIJOU_INLINE pack operator*(pack a, pack b) {
    pack r{a.v * b.v};
#if defined(__GNUC__) && !defined(__clang__)
    // An empty statement that "changes" the product: g++ cannot contract it with a later sum.
#if defined(__x86_64__)
    asm("" : "+v"(r.v.data));
#else
    asm("" : "+w"(r.v.data));
#endif
#endif
    return r;
  }
  friend BIJOU_INLINE pack operator-(pack a) { return {-a.v}; }
  BIJOU_INLINE pack& operator+=(pack b) { return *this = *this + b; }
  BIJOU_INLINE pack& operator-=(pack b) { return *this = *this - b; }
  BIJOU_INLINE pack& operator*=(pack b) { return *this = *this * b; }
  BIJOU_INLINE pack& operator/=(pack b) { return *this = *this / b; }

  friend BIJOU_INLINE mask<T> operator<(pack a, pack b) { return {a.v < b.v}; }
  friend BIJOU_INLINE mask<T> operator<=(pack a, pack b) { return {a.v <= b.v}; }
  friend BIJOU_INLINE mask<T> operator>(pack a, pack b) { return {a.v > b.v}; }
  friend BIJOU_INLINE mask<T> operator>=(pack a, pack b) { return {a.v >= b.v}; }
  friend BIJOU_INLINE mask<T> operator==(pack a, pack b) { return {a.v == b.v}; }
  friend BIJOU_INLINE mask<T> operator!=(pack a, pack b) { return {a.v != b.v}; }
};

/// a * b + c, rounded once where the instruction set can (AVX2, AVX-512, NEON), twice elsewhere.
template <class T> BIJOU_INLINE pack<T> fma(pack<T> a, pack<T> b, pack<T> c) {
#if defined(__AVX512F__)
  if constexpr (std::same_as<T, float>)
    return {xsimd::batch<T>(_mm512_fmadd_ps(a.v.data, b.v.data, c.v.data))};
  else
    return {xsimd::batch<T>(_mm512_fmadd_pd(a.v.data, b.v.data, c.v.data))};
#else
  return {xsimd::fma(a.v, b.v, c.v)};
#endif
}
/// c - a * b, rounded as fma.
template <class T> BIJOU_INLINE pack<T> fnma(pack<T> a, pack<T> b, pack<T> c) {
  return fma(-a, b, c);
}
/// a where m, else b.
template <class T> BIJOU_INLINE pack<T> select(mask<T> m, pack<T> a, pack<T> b) {
  return {xsimd::select(m.v, a.v, b.v)};
}
/// a < b ? a : b, so b where either is NaN: `min(bound, x)` keeps a NaN in x.
template <class T> BIJOU_INLINE pack<T> min(pack<T> a, pack<T> b) { return select(a < b, a, b); }
/// a > b ? a : b, so b where either is NaN: `max(bound, x)` keeps a NaN in x.
template <class T> BIJOU_INLINE pack<T> max(pack<T> a, pack<T> b) { return select(a > b, a, b); }
template <class T> BIJOU_INLINE pack<T> abs(pack<T> a) { return {xsimd::abs(a.v)}; }
template <class T> BIJOU_INLINE pack<T> sqrt(pack<T> a) { return {xsimd::sqrt(a.v)}; }
template <class T> BIJOU_INLINE mask<T> isnan(pack<T> a) { return a != a; }
template <class T> BIJOU_INLINE bool any(mask<T> m) { return xsimd::any(m.v); }
template <class T> BIJOU_INLINE bool all(mask<T> m) { return xsimd::all(m.v); }

} // namespace bijou::inline BIJOU_ISA::simd

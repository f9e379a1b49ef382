#pragma once
/// \file
/// The one door to SIMD: `pack<T>`, a register of lanes, and the few operations kernels need.
///
/// No other header includes xsimd. What is broken or missing in a supported release of xsimd (8.1
/// to 14) is repaired here, so that the same program gives the same bits with g++ and clang:
///  * products that feed a sum are fused only where `fma` is written. g++ contracts `a * b + c` on
///    its own, differently in different surroundings; operator* hides its result from that.
///  * xsimd 8's AVX-512 `fma` is a multiply and an add under clang; here it is the instruction.
///  * min, max and clamp have one documented behaviour for NaN in all releases.
///  * xsimd 8's `!=` denies that NaN != NaN on AVX, and its AVX-512 negation turns 0 into 0, not
///  -0.
///  * xsimd 8 divides floats and takes their roots by estimates on NEON, 2 ulp off and wrong for
///    subnormal numbers; here they are the instructions, which round correctly.
///
/// Arithmetic is that of the register itself, which compilers know: one step
/// where xsimd's is four functions, to be inlined in thousands of places (a tenth of the time that
/// a flow takes to compile; on NEON, where xsimd looks each instruction up in a tuple, half of it).
///
/// `bits<U>` are the same registers as unsigned integers: what exp, log and the random numbers need
/// to reach exponents and words. Shifts are by constants.

#include <bijou/kernels/isa.hpp>

#if defined(__AVX512F__) && defined(__GNUC__) && !defined(__clang__)
// g++ 12 calls the deliberately undefined registers of its AVX-512 header uninitialised (GCC
// 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

#include <xsimd/xsimd.hpp>

#include <array>
#include <bit>
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

namespace detail {

// The instruction itself, by register type: xsimd has no name for it, or not in every release.
#if defined(__x86_64__)
#define BIJOU_X86_REGISTER(R, PREFIX, SUFFIX)                                                      \
  BIJOU_INLINE R min(R a, R b) { return PREFIX##min_##SUFFIX(a, b); }                              \
  BIJOU_INLINE R max(R a, R b) { return PREFIX##max_##SUFFIX(a, b); }
#define BIJOU_X86_FMA(R, PREFIX, SUFFIX)                                                           \
  BIJOU_INLINE R fma(R a, R b, R c) { return PREFIX##fmadd_##SUFFIX(a, b, c); }                    \
  BIJOU_INLINE R fnma(R a, R b, R c) { return PREFIX##fnmadd_##SUFFIX(a, b, c); }
BIJOU_X86_REGISTER(__m128, _mm_, ps)
BIJOU_X86_REGISTER(__m128d, _mm_, pd)
BIJOU_INLINE float first(__m128 a) { return _mm_cvtss_f32(a); }
BIJOU_INLINE double first(__m128d a) { return _mm_cvtsd_f64(a); }
BIJOU_INLINE __m128i multiply_low(__m128i a, __m128i b) { return _mm_mul_epu32(a, b); }
#if defined(__AVX__)
BIJOU_X86_REGISTER(__m256, _mm256_, ps)
BIJOU_X86_REGISTER(__m256d, _mm256_, pd)
BIJOU_INLINE float first(__m256 a) { return first(_mm256_castps256_ps128(a)); }
BIJOU_INLINE double first(__m256d a) { return first(_mm256_castpd256_pd128(a)); }
#if defined(__AVX2__)
BIJOU_INLINE __m256i multiply_low(__m256i a, __m256i b) { return _mm256_mul_epu32(a, b); }
#else
BIJOU_INLINE __m256i multiply_low(__m256i a, __m256i b) {
  const __m128i lower = _mm_mul_epu32(_mm256_castsi256_si128(a), _mm256_castsi256_si128(b));
  const __m128i upper =
      _mm_mul_epu32(_mm256_extractf128_si256(a, 1), _mm256_extractf128_si256(b, 1));
  return _mm256_insertf128_si256(_mm256_castsi128_si256(lower), upper, 1);
}
#endif
#endif
#if defined(__FMA__)
BIJOU_X86_FMA(__m128, _mm_, ps)
BIJOU_X86_FMA(__m128d, _mm_, pd)
BIJOU_X86_FMA(__m256, _mm256_, ps)
BIJOU_X86_FMA(__m256d, _mm256_, pd)
#endif
#if defined(__AVX512F__)
BIJOU_X86_REGISTER(__m512, _mm512_, ps)
BIJOU_X86_REGISTER(__m512d, _mm512_, pd)
BIJOU_X86_FMA(__m512, _mm512_, ps)
BIJOU_X86_FMA(__m512d, _mm512_, pd)
BIJOU_INLINE float first(__m512 a) { return first(_mm512_castps512_ps128(a)); }
BIJOU_INLINE double first(__m512d a) { return first(_mm512_castpd512_pd128(a)); }
BIJOU_INLINE __m512i multiply_low(__m512i a, __m512i b) { return _mm512_mul_epu32(a, b); }
#endif
#undef BIJOU_X86_REGISTER
#undef BIJOU_X86_FMA
#else
BIJOU_INLINE float32x4_t fma(float32x4_t a, float32x4_t b, float32x4_t c) {
  return vfmaq_f32(c, a, b);
}
BIJOU_INLINE float64x2_t fma(float64x2_t a, float64x2_t b, float64x2_t c) {
  return vfmaq_f64(c, a, b);
}
BIJOU_INLINE float32x4_t fnma(float32x4_t a, float32x4_t b, float32x4_t c) {
  return vfmsq_f32(c, a, b);
}
BIJOU_INLINE float64x2_t fnma(float64x2_t a, float64x2_t b, float64x2_t c) {
  return vfmsq_f64(c, a, b);
}
BIJOU_INLINE float32x4_t select(uint32x4_t m, float32x4_t a, float32x4_t b) {
  return vbslq_f32(m, a, b);
}
BIJOU_INLINE float64x2_t select(uint64x2_t m, float64x2_t a, float64x2_t b) {
  return vbslq_f64(m, a, b);
}
BIJOU_INLINE float32x4_t sqrt(float32x4_t a) { return vsqrtq_f32(a); }
BIJOU_INLINE float64x2_t sqrt(float64x2_t a) { return vsqrtq_f64(a); }
BIJOU_INLINE float first(float32x4_t a) { return vgetq_lane_f32(a, 0); }
BIJOU_INLINE double first(float64x2_t a) { return vgetq_lane_f64(a, 0); }
BIJOU_INLINE uint64x2_t multiply_low(uint64x2_t a, uint64x2_t b) {
  return vmull_u32(vmovn_u64(a), vmovn_u64(b));
}
#endif

} // namespace detail

/// The unsigned integer as wide as the floating-point type T.
template <class T> using word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

/// A register of unsigned integers. Arithmetic wraps, lane by lane.
template <class U> struct bits {
  using value_type = U;
  using batch = xsimd::batch<U>;
  static constexpr int size = static_cast<int>(batch::size);

  batch v;

  bits() = default;
  BIJOU_INLINE bits(batch b) : v(b) {}
  BIJOU_INLINE bits(U s) : v(s) {}

  static BIJOU_INLINE bits load(const U* p) { return {batch::load_unaligned(p)}; }
  BIJOU_INLINE void store(U* p) const { v.store_unaligned(p); }

  friend BIJOU_INLINE bits operator+(bits a, bits b) {
    return from(reinterpret_cast<lanes>(a.v.data) + reinterpret_cast<lanes>(b.v.data));
  }
  friend BIJOU_INLINE bits operator-(bits a, bits b) {
    return from(reinterpret_cast<lanes>(a.v.data) - reinterpret_cast<lanes>(b.v.data));
  }
  friend BIJOU_INLINE bits operator&(bits a, bits b) { return {batch(a.v.data & b.v.data)}; }
  friend BIJOU_INLINE bits operator|(bits a, bits b) { return {batch(a.v.data | b.v.data)}; }
  friend BIJOU_INLINE bits operator^(bits a, bits b) { return {batch(a.v.data ^ b.v.data)}; }
  template <int N> BIJOU_INLINE bits shifted_left() const {
    return from(reinterpret_cast<lanes>(v.data) << N);
  }
  template <int N> BIJOU_INLINE bits shifted_right() const {
    return from(reinterpret_cast<lanes>(v.data) >> N);
  }

 private:
  using register_type = typename batch::register_type;
  using lanes [[gnu::vector_size(sizeof(register_type))]] = U;
  static BIJOU_INLINE bits from(lanes l) { return {batch(reinterpret_cast<register_type>(l))}; }
};

/// Each lane shifted left, or right with zeros coming in, by N bits.
template <int N, class U> BIJOU_INLINE bits<U> shift_left(bits<U> a) {
  return a.template shifted_left<N>();
}
template <int N, class U> BIJOU_INLINE bits<U> shift_right(bits<U> a) {
  return a.template shifted_right<N>();
}

/// The 64-bit product of the low halves of each pair of lanes; the high halves are not read.
BIJOU_INLINE bits<std::uint64_t> multiply_low(bits<std::uint64_t> a, bits<std::uint64_t> b) {
  return {xsimd::batch<std::uint64_t>(detail::multiply_low(a.v.data, b.v.data))};
}
/// Lane 2i is the low half of even[i], lane 2i + 1 the low half of odd[i].
BIJOU_INLINE bits<std::uint32_t> interleave_low(bits<std::uint64_t> even, bits<std::uint64_t> odd) {
  const auto both = (even & bits<std::uint64_t>(0xffffffffU)) | shift_left<32>(odd);
  return {std::bit_cast<xsimd::batch<std::uint32_t>>(both.v)};
}

/// Lanes below 2^31 as float, rounded to nearest.
BIJOU_INLINE xsimd::batch<float> to_float(bits<std::uint32_t> a) {
  return xsimd::to_float(std::bit_cast<xsimd::batch<std::int32_t>>(a.v));
}

/// Lanes that answered a comparison with yes.
template <class T> struct mask {
  using batch = xsimd::batch_bool<T>;
  batch v;
#if defined(__AVX512F__)
  friend BIJOU_INLINE mask operator&(mask a, mask b) { return {a.v & b.v}; }
  friend BIJOU_INLINE mask operator|(mask a, mask b) { return {a.v | b.v}; }
  friend BIJOU_INLINE mask operator!(mask a) { return {!a.v}; }
#else // all bits of a lane
  friend BIJOU_INLINE mask operator&(mask a, mask b) { return from(bits_of(a) & bits_of(b)); }
  friend BIJOU_INLINE mask operator|(mask a, mask b) { return from(bits_of(a) | bits_of(b)); }
  friend BIJOU_INLINE mask operator!(mask a) { return from(~bits_of(a)); }

 private:
  using register_type = typename batch::register_type;
  using lanes [[gnu::vector_size(sizeof(register_type))]] = word<T>;
  static BIJOU_INLINE lanes bits_of(mask a) { return reinterpret_cast<lanes>(a.v.data); }
  static BIJOU_INLINE mask from(lanes l) { return {batch(reinterpret_cast<register_type>(l))}; }
#endif
};

#if defined(__aarch64__)
#define BIJOU_COMPARED(OP)                                                                         \
  {                                                                                                \
    typename mask<T>::batch(                                                                       \
        reinterpret_cast<typename mask<T>::batch::register_type>(a.v.data OP b.v.data))            \
  }
#else // AVX-512 compares into other registers
#define BIJOU_COMPARED(OP)                                                                         \
  { a.v OP b.v }
#endif

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
  /// Lane 0, which is a scalar already.
  BIJOU_INLINE T first() const { return v.data[0]; }
  /// Lane i. For tests and rare paths: goes through memory.
  T operator[](int i) const {
    alignas(64) T a[batch::size];
    store(a);
    return a[i];
  }

  friend BIJOU_INLINE pack operator+(pack a, pack b) { return {batch(a.v.data + b.v.data)}; }
  friend BIJOU_INLINE pack operator-(pack a, pack b) { return {batch(a.v.data - b.v.data)}; }
  friend BIJOU_INLINE pack operator/(pack a, pack b) { return {batch(a.v.data / b.v.data)}; }
  friend BIJOU_INLINE pack operator*(pack a, pack b) {
    pack r{batch(a.v.data * b.v.data)};
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
  /// The sign bit flipped, of NaN and 0 too.
  friend BIJOU_INLINE pack operator-(pack a) {
    const bits<word<T>> all(std::bit_cast<xsimd::batch<word<T>>>(a.v));
    const bits<word<T>> sign(std::bit_cast<word<T>>(T(-0.0)));
    return {std::bit_cast<batch>((all ^ sign).v)};
  }
  BIJOU_INLINE pack& operator+=(pack b) { return *this = *this + b; }
  BIJOU_INLINE pack& operator-=(pack b) { return *this = *this - b; }
  BIJOU_INLINE pack& operator*=(pack b) { return *this = *this * b; }
  BIJOU_INLINE pack& operator/=(pack b) { return *this = *this / b; }

  friend BIJOU_INLINE mask<T> operator<(pack a, pack b) { return BIJOU_COMPARED(<); }
  friend BIJOU_INLINE mask<T> operator<=(pack a, pack b) { return BIJOU_COMPARED(<=); }
  friend BIJOU_INLINE mask<T> operator>(pack a, pack b) { return BIJOU_COMPARED(>); }
  friend BIJOU_INLINE mask<T> operator>=(pack a, pack b) { return BIJOU_COMPARED(>=); }
  friend BIJOU_INLINE mask<T> operator==(pack a, pack b) { return BIJOU_COMPARED(==); }
  friend BIJOU_INLINE mask<T> operator!=(pack a, pack b) { return !(a == b); }
};

#undef BIJOU_COMPARED

/// The lanes' bit patterns, and back.
template <class T> BIJOU_INLINE bits<word<T>> to_bits(pack<T> a) {
  return {std::bit_cast<xsimd::batch<word<T>>>(a.v)};
}
template <class T> BIJOU_INLINE pack<T> from_bits(bits<word<T>> a) {
  return {std::bit_cast<xsimd::batch<T>>(a.v)};
}
/// Lane 0, from the register.
template <class T> BIJOU_INLINE T first(pack<T> a) { return detail::first(a.v.data); }

/// a * b + c, rounded once where the instruction set can (AVX2, AVX-512, NEON), twice elsewhere.
template <class T> BIJOU_INLINE pack<T> fma(pack<T> a, pack<T> b, pack<T> c) {
#if defined(__FMA__) || defined(__AVX512F__) || defined(__aarch64__)
  return {xsimd::batch<T>(detail::fma(a.v.data, b.v.data, c.v.data))};
#else
  return a * b + c;
#endif
}
/// c - a * b, rounded as fma.
template <class T> BIJOU_INLINE pack<T> fnma(pack<T> a, pack<T> b, pack<T> c) {
#if defined(__FMA__) || defined(__AVX512F__) || defined(__aarch64__)
  return {xsimd::batch<T>(detail::fnma(a.v.data, b.v.data, c.v.data))};
#else
  return c - a * b;
#endif
}
/// 0, 1, 2, ... in the lanes.
template <class T> BIJOU_INLINE pack<T> iota() {
  static constexpr auto values = [] {
    std::array<T, static_cast<std::size_t>(pack<T>::size)> v{};
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<T>(i);
    return v;
  }();
  return pack<T>::load(values.data());
}

/// a where m, else b.
template <class T> BIJOU_INLINE pack<T> select(mask<T> m, pack<T> a, pack<T> b) {
#if defined(__aarch64__)
  return {xsimd::batch<T>(detail::select(m.v.data, a.v.data, b.v.data))};
#else
  return {xsimd::select(m.v, a.v, b.v)};
#endif
}
/// a < b ? a : b, so b where either is NaN: `min(bound, x)` keeps a NaN in x.
template <class T> BIJOU_INLINE pack<T> min(pack<T> a, pack<T> b) {
#if defined(__x86_64__)
  return {xsimd::batch<T>(detail::min(a.v.data, b.v.data))};
#else
  return select(a < b, a, b);
#endif
}
/// a > b ? a : b, so b where either is NaN: `max(bound, x)` keeps a NaN in x.
template <class T> BIJOU_INLINE pack<T> max(pack<T> a, pack<T> b) {
#if defined(__x86_64__)
  return {xsimd::batch<T>(detail::max(a.v.data, b.v.data))};
#else
  return select(a > b, a, b);
#endif
}
/// The sign bit cleared, of NaN too.
template <class T> BIJOU_INLINE pack<T> abs(pack<T> a) { return {xsimd::abs(a.v)}; }
/// |a| with the sign bit of b.
template <class T> BIJOU_INLINE pack<T> copysign(pack<T> a, pack<T> b) {
  const bits<word<T>> sign(std::bit_cast<word<T>>(T(-0.0)));
  return from_bits<T>(to_bits(abs(a)) | (to_bits(b) & sign));
}
template <class T> BIJOU_INLINE pack<T> sqrt(pack<T> a) {
#if defined(__aarch64__)
  return {xsimd::batch<T>(detail::sqrt(a.v.data))};
#else
  return {xsimd::sqrt(a.v)};
#endif
}
template <class T> BIJOU_INLINE mask<T> isnan(pack<T> a) { return !(a == a); }
template <class T> BIJOU_INLINE bool any(mask<T> m) { return xsimd::any(m.v); }
template <class T> BIJOU_INLINE bool all(mask<T> m) { return xsimd::all(m.v); }

} // namespace bijou::inline BIJOU_ISA::simd

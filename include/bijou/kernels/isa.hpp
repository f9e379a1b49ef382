#pragma once
/// \file
/// The instruction set of this translation unit, as the name of an inline namespace.
///
/// Everything in bijou lives in `namespace bijou::inline BIJOU_ISA`. Two translation units that are
/// built for different instruction sets therefore have different symbols, and may be linked into
/// one program: no inline function of bijou's for AVX2 replaces its SSE twin (docs/dispatch.md).

#ifdef __FAST_MATH__
#error "bijou: -ffast-math breaks log1p, expm1 and every NaN check; build without it"
#endif

#if defined(__AVX512F__) && defined(__AVX512CD__) && defined(__AVX512DQ__) && defined(__AVX512BW__)
#define BIJOU_ISA isa_avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define BIJOU_ISA isa_avx2
#elif defined(__AVX__)
#define BIJOU_ISA isa_avx
#elif defined(__SSE4_2__)
#define BIJOU_ISA isa_sse4_2
#elif defined(__x86_64__)
#define BIJOU_ISA isa_sse2
#elif defined(__aarch64__)
#define BIJOU_ISA isa_neon64
#else
#error "bijou: no SIMD instruction set found; build for x86-64 (-march=...) or AArch64"
#endif

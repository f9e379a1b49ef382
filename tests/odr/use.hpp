#pragma once
// Inline on purpose: the same code in every translation unit of this test, as a user's header is.
#include <bijou/kernels/simd.hpp>

// NOLINTNEXTLINE
static inline float use() {
  using bijou::simd::pack;
  return fma(pack<float>(2.0F), pack<float>(3.0F), pack<float>(1.0F))[0];
}

#pragma once
/// \file
/// A logarithm for constant expressions: a word whose option enters its log-determinant stays
/// constexpr, which it would not with std::log before C++26.

#include <bijou/kernels/isa.hpp>

namespace bijou::inline BIJOU_ISA::detail {

/// Natural logarithm of v > 0 that constant expressions can take, to a few units in the last place:
/// v = m 2^n with m in [1/sqrt 2, sqrt 2], log m = 2 atanh((m - 1) / (m + 1)) by its series.
constexpr double constexpr_log(double v) {
  int n = 0;
  while (v > 1.4142135623730951) {
    v /= 2;
    ++n;
  }
  while (v < 0.70710678118654752) {
    v *= 2;
    --n;
  }
  const double z = (v - 1) / (v + 1), z2 = z * z;
  double sum = 0;
  for (int k = 25; k > 0; k -= 2) sum = sum * z2 + 1.0 / k;
  return 2 * z * sum + n * 0.69314718055994530942;
}

} // namespace bijou::inline BIJOU_ISA::detail

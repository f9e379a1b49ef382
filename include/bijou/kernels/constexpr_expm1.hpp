#pragma once
/// \file
/// e^v - 1 for constant expressions: a word whose option enters its formulas by an exponential
/// stays constexpr, which it would not with std::expm1 before C++26.

#include <bijou/kernels/isa.hpp>

namespace bijou::inline BIJOU_ISA::detail {

/// e^v - 1 for 0 <= v <= 600, to a few units in the last place of a double where a long double has
/// more digits than one: the series for v / 2^n <= 1/2, then n times e^2u - 1 = (e^u - 1) (2 +
/// (e^u - 1)), which is a sum of positive numbers.
constexpr long double constexpr_expm1(double v) {
  int n = 0;
  long double u = v;
  while (u > 0.5L) {
    u /= 2;
    ++n;
  }
  long double term = u, sum = u;
  for (int k = 2; k < 24; ++k) {
    term *= u / k;
    sum += term;
  }
  for (; n > 0; --n) sum *= 2 + sum;
  return sum;
}

} // namespace bijou::inline BIJOU_ISA::detail

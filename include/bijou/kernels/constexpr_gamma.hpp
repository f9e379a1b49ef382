#pragma once
/// \file
/// Square roots and the gamma function for constant expressions: what densities with options need
/// for their constants, so that a base with options stays constexpr (see constexpr_log.hpp).

#include <bijou/kernels/constexpr_log.hpp>

namespace bijou::inline BIJOU_ISA::detail {

/// The square root of v > 0, to a unit in the last place: Newton's method on a number of [1/4, 1].
constexpr double constexpr_sqrt(double v) {
  double scale = 1;
  while (v > 1) {
    v /= 4;
    scale *= 2;
  }
  while (v < 0.25) {
    v *= 4;
    scale /= 2;
  }
  double root = 0.5 * (1 + v);
  for (int step = 0; step < 6; ++step) root = 0.5 * (root + v / root);
  return scale * root;
}

/// log(1 + v) for v >= 0, accurate near 0.
constexpr double constexpr_log1p(double v) {
  if (v > 0.5) return constexpr_log(1 + v);
  const double z = v / (2 + v), z2 = z * z; // 2 atanh z, as constexpr_log
  double sum = 0;
  for (int k = 25; k > 0; k -= 2) sum = sum * z2 + 1.0 / k;
  return 2 * z * sum;
}

/// log(Gamma(a + 1/2) / Gamma(a)) - log(a) / 2 for a > 0, to 1e-15 of the larger of 1 and the
/// result. It is 0 at infinity: densities whose constants are quotients of large gamma functions
/// keep their digits.
///
/// The difference of two series of Stirling (Abramowitz & Stegun 1964, 6.1.40), where a >= 16:
///
///     - sum_k (1 - 4^-k) B_2k / (k (2k - 1) a^(2k - 1)),   B_2k Bernoulli's numbers
///
/// A smaller a is raised by Gamma(a + 1) = a Gamma(a).
constexpr double log_gamma_half_step(double a) {
  double product = 1;
  const double start = a;
  while (a < 16) {
    product *= a / (a + 0.5);
    ++a;
  }
  const double r = 1 / a, r2 = r * r;
  const double series =
      r * (-1.0 / 8 +
           r2 * (1.0 / 192 + r2 * (-1.0 / 640 + r2 * (17.0 / 14336 + r2 * (-31.0 / 18432)))));
  return start < 16
             ? series + constexpr_log(product) + 0.5 * (constexpr_log(a) - constexpr_log(start))
             : series;
}

/// What Stirling's formula leaves out, for a > 0, to 1e-15 of the larger of 1 and the result:
///
///     log Gamma(a) = (a - 1/2) log a - a + log(2 pi) / 2 + stirling_remainder(a)
///
/// It is 0 at infinity. Source: Abramowitz & Stegun 1964, 6.1.40, where a >= 16; a smaller a is
/// raised step by step, by (a + 1/2) log(1 + 1/a) - 1 = t^2/3 + t^4/5 + ..., t = 1 / (2 a + 1).
constexpr double stirling_remainder(double a) {
  double sum = 0;
  if (a < 1) {
    sum = (a + 0.5) * (constexpr_log(1 + a) - constexpr_log(a)) - 1;
    ++a;
  }
  while (a < 16) {
    const double t2 = 1 / ((2 * a + 1) * (2 * a + 1)); // 1/9 at most
    double series = 0;
    for (int k = 35; k > 1; k -= 2) series = (series + 1.0 / k) * t2;
    sum += series;
    ++a;
  }
  const double r = 1 / a, r2 = r * r;
  return sum +
         r * (1.0 / 12 + r2 * (-1.0 / 360 + r2 * (1.0 / 1260 + r2 * (-1.0 / 1680 + r2 / 1188))));
}

} // namespace bijou::inline BIJOU_ISA::detail

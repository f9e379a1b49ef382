#pragma once
/// \file
/// Exponentials of matrices in long double, by far more terms than what is tested has: an oracle.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace bijou::testing {

using long_matrix = std::vector<long double>; ///< n x n, row by row

inline long_matrix long_product(const long_matrix& a, const long_matrix& b, std::size_t n) {
  long_matrix c(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t j = 0; j < n; ++j) c[i * n + j] += a[i * n + k] * b[k * n + j];
  return c;
}
/// The largest sum of magnitudes in a row.
inline long double norm_of_rows(const long_matrix& a, std::size_t n) {
  long double norm = 0;
  for (std::size_t i = 0; i < n; ++i) {
    long double sum = 0;
    for (std::size_t j = 0; j < n; ++j) sum += std::abs(a[i * n + j]);
    norm = std::fmax(norm, sum);
  }
  return norm;
}
/// 40 terms of the series at a norm below 1/4, then squares.
inline long_matrix long_exponential(long_matrix a, std::size_t n) {
  int halvings = std::max(0, std::ilogb(norm_of_rows(a, n)) + 3);
  for (long double& v : a) v = std::ldexp(v, -halvings);
  long_matrix sum(n * n), term(n * n);
  for (std::size_t i = 0; i < n; ++i) sum[i * n + i] = term[i * n + i] = 1;
  for (int k = 1; k <= 40; ++k) {
    term = long_product(term, a, n);
    for (std::size_t i = 0; i < n * n; ++i) sum[i] += term[i] /= k;
  }
  for (; halvings > 0; --halvings) sum = long_product(sum, sum, n);
  return sum;
}

} // namespace bijou::testing

#pragma once
/// \file
/// Sums of the lanes of registers: of one, and of as many at a time as a register has lanes.

#include <bijou/kernels/transpose.hpp>

#include <cstddef>
#include <utility>

namespace bijou::inline BIJOU_ISA::detail {

/// The lanes' sum, in ascending order: cotangents of a parameter that all samples share.
template <class T> BIJOU_INLINE T sum_of_lanes(simd::pack<T> p) {
  alignas(64) T lanes[simd::pack<T>::size];
  p.store(lanes);
  T total = T(0);
  for (const T l : lanes) total += l;
  return total;
}

/// Folds two registers by halves of blocks of 2 B lanes: the lanes with bit B clear hold a's, those
/// with bit B set hold b's.
template <int B, class V, int... C>
BIJOU_INLINE V fold_pair(const V& a, const V& b, std::integer_sequence<int, C...>) {
  constexpr int n = sizeof...(C);
  return __builtin_shufflevector(a, b, ((C & B) ? n + C : C)...) +
         __builtin_shufflevector(a, b, ((C & B) ? n + C - B : C + B)...);
}

/// The sums of the lanes of 2 B registers, folded into row[0]: lane i is the sum of row[i].
template <int B, class V, std::size_t N> BIJOU_INLINE void fold_rows(V (&row)[N]) {
  if constexpr (B > 0) {
#pragma GCC unroll 32
    for (int i = 0; i < B; ++i)
      row[i] =
          fold_pair<B>(row[i], row[i + B], std::make_integer_sequence<int, static_cast<int>(N)>{});
    fold_rows<B / 2>(row);
  }
}

} // namespace bijou::inline BIJOU_ISA::detail

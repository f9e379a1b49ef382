#pragma once
/// \file
/// Transposes in registers, written once for every vector width.
///
/// A W x W block is transposed in log2 W steps; step b exchanges the off-diagonal b x b blocks of
/// each pair of rows (i, i + b) [Eklundh, IEEE Trans. Comput. C-21 (1972) 801]. The shuffles are
/// compile-time constants, which g++ (12 and later) and clang turn into one or two instructions.

#include <bijou/kernels/unroll.hpp>

#include <cstddef>
#include <cstring>

namespace bijou::inline BIJOU_ISA::detail {

/// A register for shuffling; the same bits as a pack.
template <class T>
using lanes_of [[gnu::vector_size(sizeof(T) * static_cast<std::size_t>(simd::pack<T>::size))]] = T;

/// Exchanges the off-diagonal B x B blocks of two rows.
template <int B, class V, int... C>
BIJOU_INLINE void exchange_blocks(V& upper, V& lower, std::integer_sequence<int, C...>) {
  constexpr int n = sizeof...(C);
  const V u = upper, l = lower;
  upper = __builtin_shufflevector(u, l, ((C & B) ? n + C - B : C)...);
  lower = __builtin_shufflevector(u, l, ((C & B) ? n + C : C + B)...);
}

template <int B, class V, std::size_t N> BIJOU_INLINE void transpose_steps(V (&row)[N]) {
  if constexpr (B > 0) {
#pragma GCC unroll 32
    for (int i = 0; i < static_cast<int>(N); ++i)
      if ((i & B) == 0)
        exchange_blocks<B>(row[i], row[i + B],
                           std::make_integer_sequence<int, static_cast<int>(N)>{});
    transpose_steps<B / 2>(row);
  }
}

/// to[i * to_stride + j] = from[j * from_stride + i] for i, j below the lanes of a register; rows
/// of `from` beyond `present` are zero and not read.
template <class T>
BIJOU_INLINE void transpose_block(const T* from, std::ptrdiff_t from_stride, T* to,
                                  std::ptrdiff_t to_stride, int present = simd::pack<T>::size) {
  constexpr int w = simd::pack<T>::size;
  lanes_of<T> row[static_cast<std::size_t>(w)]{};
#pragma GCC unroll 32
  for (int i = 0; i < w; ++i)
    if (i < present) std::memcpy(&row[i], from + i * from_stride, sizeof row[i]);
  transpose_steps<w / 2>(row);
#pragma GCC unroll 32
  for (int i = 0; i < w; ++i) std::memcpy(to + i * to_stride, &row[i], sizeof row[i]);
}

} // namespace bijou::inline BIJOU_ISA::detail

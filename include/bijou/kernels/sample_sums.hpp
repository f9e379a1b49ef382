#pragma once
/// \file
/// Sums over the samples of a tile of products of two rows, sixteen sums at a time: g x^T where one
/// side has few rows, and transposing the other (outer_product.hpp) costs more than the products.
///
/// Lanes are samples. A sum is sixteen partial ones, of the samples 16 i + j for each j, whatever
/// the register's width; they are added by halves. As many sums as a register has lanes are folded
/// together, so that each step halves the registers as well.

#include <bijou/kernels/lane_sums.hpp>
#include <bijou/kernels/staircase.hpp>
#include <bijou/kernels/transpose.hpp>
#include <bijou/kernels/unroll.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

namespace bijou::inline BIJOU_ISA::detail {

/// As many sums as a register has lanes, Rows times Columns: lane c * Rows + r is the sum over
/// samples t of g[r][t] x[c][t]. Rows lie L apart.
template <class T, int L, int Rows, int Columns>
BIJOU_INLINE simd::pack<T> fold_products(const T* g, const T* x, int samples) {
  using pack = simd::pack<T>;
  constexpr int w = pack::size, parts = panel_rows / w;
  static_assert(Rows * Columns == w);
  register_block<T, parts, w> sum;
  unroll<parts>([&](auto p) __attribute__((always_inline)) {
    unroll<w>([&](auto s) __attribute__((always_inline)) { sum[p][s] = pack(T(0)); });
    for (int t = p * w; t < samples; t += panel_rows) {
      registers_of<T, Rows> cotangent;
      unroll<Rows>([&](auto r) __attribute__((always_inline)) {
        cotangent[r] = pack::load(g + r * L + t);
        if constexpr (Columns > 1) keep_in_register(cotangent[r]);
      });
      unroll<Columns>([&](auto c) __attribute__((always_inline)) {
        const pack value = pack::load(x + c * L + t);
        unroll<Rows>([&](auto r) __attribute__((always_inline)) {
          pack& s = sum[p][c * Rows + r];
          s = fma(value, cotangent[r], s);
        });
      });
    }
  });
  lanes_of<T> row[static_cast<std::size_t>(w)];
  unroll<w>([&](auto s) __attribute__((always_inline)) {
    for (int half = parts / 2; half > 0; half /= 2)
      for (int p = 0; p < half; ++p) sum[p][s] += sum[p + half][s];
    std::memcpy(&row[s], &sum[0][s], sizeof row[s]);
  });
  fold_rows<w / 2>(row);
  pack result;
  std::memcpy(&result, &row[0], sizeof result);
  return result;
}

/// sums[c * Rows + r] = sum over samples t of g[r][t] x[c][t]; sixteen of them.
template <class T, int L, int Rows>
BIJOU_INLINE void sixteen_sums(const T* g, const T* x, int samples, T* sums) {
  constexpr int w = simd::pack<T>::size, rows = std::min(Rows, w), columns = w / rows;
  for (int s = 0; s < panel_rows; s += w)
    fold_products<T, L, rows, columns>(g + std::ptrdiff_t{s % Rows} * L,
                                       x + std::ptrdiff_t{s / Rows} * L, samples)
        .store(sums + s);
}

/// to[i] += from[i] for i below N.
template <int N, class T> BIJOU_INLINE void add_run(const T* from, T* to) {
  if constexpr (N == 1) {
    *to += *from;
  } else {
    using run [[gnu::vector_size(sizeof(T) * static_cast<std::size_t>(N))]] = T;
    run a, b;
    std::memcpy(&a, from, sizeof a);
    std::memcpy(&b, to, sizeof b);
    b += a;
    std::memcpy(to, &b, sizeof b);
  }
}

/// to[k * width + r] += sum over samples t of g[r][t] x[k][t] for r below `rows` <= Rows and k
/// below `columns`. Rows of both lie L apart; of g Rows are read, of x as many as make up whole
/// sixteens of sums.
template <class T, int L, int Rows>
[[gnu::noinline]] void add_sample_sums(const T* g, int rows, const T* x, int columns, int samples,
                                       T* to, std::ptrdiff_t width) {
  constexpr int together = panel_rows / Rows;
  alignas(64) T sums[panel_rows];
  for (int k = 0; k < columns; k += together) {
    sixteen_sums<T, L, Rows>(g, x + std::ptrdiff_t{k} * L, samples, sums);
    const int count = std::min(together, columns - k);
    for (int c = 0; c < count; ++c, to += width)
      if (rows == Rows)
        add_run<Rows>(sums + c * Rows, to);
      else
        for (int r = 0; r < rows; ++r) to[r] += sums[c * Rows + r];
  }
}

/// How many rows sixteen_sums takes for so many: the next power of two.
constexpr int rows_together(int rows) {
  return rows <= 1 ? 1 : rows <= 2 ? 2 : rows <= 4 ? 4 : rows <= 8 ? 8 : 16;
}

} // namespace bijou::inline BIJOU_ISA::detail

#pragma once
/// \file
/// Sums over the samples of a tile of products of two rows, sixteen sums at a time: g x^T where one
/// side has few rows, and transposing the other (outer_product.hpp) costs more than the products.
///
/// Lanes are samples. Each sum is kept as sixteen partial sums, the j-th over samples j, 16 + j, 32
/// + j, ...: on every instruction set the same numbers are added in the same order. In the end
/// eight partial sums are added to the other eight, four to four, and so on. Where a register has n
/// lanes, n sums are folded together: each step then halves the number of registers, and their
/// lanes are always full.

#include <bijou/kernels/lane_sums.hpp>
#include <bijou/kernels/staircase.hpp>
#include <bijou/kernels/transpose.hpp>
#include <bijou/kernels/unroll.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

namespace bijou::inline BIJOU_ISA::detail {

/// Adds the rows of a block to its first, by halves: Half rows to the Half before them, and so on.
template <int Half, class T, int R, int V>
BIJOU_INLINE void add_halves(register_block<T, R, V>& block) {
  if constexpr (Half > 0) {
#pragma GCC unroll 32
    for (int r = 0; r < Half; ++r)
#pragma GCC unroll 32
      for (int v = 0; v < V; ++v) block[r][v] += block[r + Half][v];
    add_halves<Half / 2, T, R, V>(block);
  }
}

/// As many sums as a register has lanes, Rows times Columns: lane c * Rows + r is the sum over
/// samples t of g[r][t] x[c][t]. Rows lie L apart.
template <class T, int L, int Rows, int Columns>
BIJOU_INLINE simd::pack<T> fold_products(const T* g, const T* x, int samples) {
  using pack = simd::pack<T>;
  constexpr int w = pack::size, parts = panel_rows / w;
  static_assert(Rows * Columns == w);
  register_block<T, parts, w> sum;
  unroll<parts>([&](auto p) __attribute__((always_inline)) {
#pragma GCC unroll 32
    for (pack& s : sum[p]) s = pack(T(0));
    for (int t = p * w; t < samples; t += panel_rows) {
      registers_of<T, Rows> cotangent;
#pragma GCC unroll 32
      for (int r = 0; r < Rows; ++r) {
        pack loaded = pack::load(g + r * L + t);
        if constexpr (Columns > 1) keep_in_register(loaded);
        cotangent[r] = loaded;
      }
#pragma GCC unroll 32
      for (int c = 0; c < Columns; ++c) {
        const pack value = pack::load(x + c * L + t);
#pragma GCC unroll 32
        for (int r = 0; r < Rows; ++r) {
          pack& s = sum[p][c * Rows + r];
          s = fma(value, cotangent[r], s);
        }
      }
    }
  });
  lanes_of<T> row[static_cast<std::size_t>(w)];
  add_halves<parts / 2, T, parts, w>(sum);
#pragma GCC unroll 32
  for (int s = 0; s < w; ++s) std::memcpy(&row[s], &sum[0][s], sizeof row[s]);
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

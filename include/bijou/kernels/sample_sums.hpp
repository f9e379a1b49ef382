#pragma once
/// \file
/// Sums over the samples of a tile of products of two rows, sixteen sums at a time: g x^T where one
/// side has few rows, and transposing the other (outer_product.hpp) costs more than the products.
///
/// Lanes are samples. A sum is sixteen partial ones, of the samples 16 i + j for each j, whatever
/// the register's width; they are added by halves.

#include <bijou/kernels/staircase.hpp>
#include <bijou/kernels/transpose.hpp>
#include <bijou/kernels/unroll.hpp>

#include <algorithm>
#include <cstddef>

namespace bijou::inline BIJOU_ISA::detail {

/// Partial sums of Rows x Columns products into partial[c * Stride + r][16], for the samples that
/// fall into partial sums [lane, lane + width of a register).
template <class T, int Rows, int Columns, int Stride>
BIJOU_INLINE void partial_sums(const T* const* g, const T* const* x, int lane, int samples,
                               T (*partial)[panel_rows]) {
  using pack = simd::pack<T>;
  register_block<T, Columns, Rows> sum;
  unroll<Columns>([&](auto c) __attribute__((always_inline)) {
    unroll<Rows>([&](auto r) __attribute__((always_inline)) { sum[c][r] = pack(T(0)); });
  });
  for (int t = lane; t < samples; t += panel_rows)
    unroll<Columns>([&](auto c) __attribute__((always_inline)) {
      const pack value = pack::load(x[c] + t);
      unroll<Rows>([&](auto r) __attribute__((always_inline)) {
        sum[c][r] = fma(value, pack::load(g[r] + t), sum[c][r]);
      });
    });
  unroll<Columns>([&](auto c) __attribute__((always_inline)) {
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
      sum[c][r].store(partial[c * Stride + r] + lane);
    });
  });
}

/// sums[c * Rows + r] = sum over samples t of g[r][t] x[c][t]; sixteen of them.
template <class T, int Rows>
[[gnu::noinline]] void sixteen_sums(const T* const* g, const T* const* x, int samples, T* sums) {
  using pack = simd::pack<T>;
  constexpr int w = pack::size, columns = panel_rows / Rows;
  constexpr int at_once = simd::registers >= 32 ? 16 : 8; // sums in registers
  alignas(64) T partial[panel_rows][panel_rows];
  for (int lane = 0; lane < panel_rows; lane += w) {
    if constexpr (Rows <= at_once) {
      constexpr int c = at_once / Rows;
      for (int k = 0; k < columns; k += c)
        partial_sums<T, Rows, c, Rows>(g, x + k, lane, samples, partial + k * Rows);
    } else {
      for (int r = 0; r < Rows; r += at_once)
        partial_sums<T, at_once, 1, Rows>(g + r, x, lane, samples, partial + r);
    }
  }
  // Partial sums side by side, then halves upon halves.
  alignas(64) T turned[panel_rows][static_cast<std::size_t>(w)];
  for (int s = 0; s < panel_rows; s += w) {
    for (int j = 0; j < panel_rows; j += w)
      transpose_block<T>(&partial[s][j], panel_rows, &turned[j][0], w);
    registers_of<T, panel_rows / 2> sum;
    unroll<panel_rows / 2>([&](auto j) __attribute__((always_inline)) {
      sum[j] = pack::load(turned[j]) + pack::load(turned[j + panel_rows / 2]);
    });
    unroll<4>([&](auto j) __attribute__((always_inline)) { sum[j] += sum[j + 4]; });
    ((sum[0] + sum[2]) + (sum[1] + sum[3])).store(sums + s);
  }
}

/// to[k * 16 + r] += sum over samples t of g[r][t] x[k][t] for r below `rows` <= Rows and k below
/// `columns`; rows of both lie L apart.
template <class T, int L, int Rows>
void add_sample_sums(const T* g, int rows, const T* x, int columns, int samples, T* to) {
  constexpr int together = panel_rows / Rows;
  const T* row[static_cast<std::size_t>(Rows)];
  for (int r = 0; r < Rows; ++r) row[r] = g + std::ptrdiff_t{std::min(r, rows - 1)} * L;
  const T* column[static_cast<std::size_t>(together)];
  alignas(64) T sums[panel_rows];
  for (int k = 0; k < columns; k += together) {
    const int count = std::min(together, columns - k);
    for (int c = 0; c < together; ++c)
      column[c] = x + std::ptrdiff_t{k + std::min(c, count - 1)} * L;
    sixteen_sums<T, Rows>(row, column, samples, sums);
    for (int c = 0; c < count; ++c)
      for (int r = 0; r < rows; ++r)
        to[std::ptrdiff_t{k + c} * panel_rows + r] += sums[c * Rows + r];
  }
}

/// How many rows sixteen_sums takes for so many: the next power of two.
constexpr int rows_together(int rows) {
  return rows <= 1 ? 1 : rows <= 2 ? 2 : rows <= 4 ? 4 : rows <= 8 ? 8 : 16;
}

} // namespace bijou::inline BIJOU_ISA::detail

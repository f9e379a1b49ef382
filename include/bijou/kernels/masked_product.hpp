#pragma once
/// \file
/// W x of a tile: rows of packed staircases times rows of values, lanes are samples.
///
/// A block of R rows x V vectors of sums stays in registers while k runs; per step it reads V
/// vectors of values and broadcasts R weights. Every sum is one chain of fused multiply-adds: bias
/// first, then the terms in order, k ascending. However the rows, columns or lanes are split into
/// calls, the chain is the same, and so are the bits.

#include <bijou/kernels/staircase.hpp>
#include <bijou/kernels/tile.hpp>

#include <cstddef>

namespace bijou::inline BIJOU_ISA::detail {

/// Columns [first, last) of a staircase and the rows of a tile that multiply them: column k takes
/// row rows[k] of `values` (row k if rows is null).
template <class T> struct product_term {
  const staircase* panels;
  const T* values;
  const int* rows;
  int first, last;
};

/// A term as a block of rows sees it: w points at its entry of the first column.
template <class T> struct block_term {
  const T* w;
  const T* values;
  const int* rows;
  int columns;
};

/// What a product starts from and what happens to a complete sum.
template <class T> struct product_target {
  const T* bias;    ///< rows start from bias[r], or if null from what y holds
  T* y;             ///< row r of the result at y + r * L
  T* pre = nullptr; ///< where complete sums go before the activation, if not null
  bool complete;    ///< apply the activation
};

/// sums += w x over one term.
template <class T, int L, int R, int V>
BIJOU_INLINE void accumulate(register_block<T, R, V>& sum, const block_term<T>& term, int lane) {
  using pack = simd::pack<T>;
  const auto step = [&](const T* w, const T* x) __attribute__((always_inline)) {
    registers_of<T, V> value;
    unroll<V>([&](auto v)
                  __attribute__((always_inline)) { value[v] = pack::load(x + v * pack::size); });
    unroll<R>([&](auto r) __attribute__((always_inline)) {
      const pack weight(w[r]);
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        sum[r][v] = fma(weight, value[v], sum[r][v]);
      });
    });
  };
  const T* w = term.w;
  if (term.rows) {
    for (int k = 0; k < term.columns; ++k, w += panel_rows)
      step(w, term.values + std::ptrdiff_t{term.rows[k]} * L + lane);
  } else {
    const T* x = term.values + lane;
    for (int k = 0; k < term.columns; ++k, w += panel_rows, x += L) step(w, x);
  }
}

/// R rows from row r on, V vectors from `lane` on.
template <class T, int L, class Activation, int R, int V>
BIJOU_INLINE void multiply_block(std::span<const block_term<T>> terms,
                                 const product_target<T>& target, int r, int lane) {
  using pack = simd::pack<T>;
  T* y = target.y + std::ptrdiff_t{r} * L + lane;
  register_block<T, R, V> sum;
  const auto each = [&](auto&& f) __attribute__((always_inline)) {
    unroll<R>([&](auto i) __attribute__((always_inline)) {
      unroll<V>([&](auto v) __attribute__((always_inline)) { f(i, v); });
    });
  };
  if (target.bias)
    each([&](auto i, auto v)
             __attribute__((always_inline)) { sum[i][v] = pack(target.bias[r + i]); });
  else
    each([&](auto i, auto v) __attribute__((always_inline)) {
      sum[i][v] = pack::load(y + i * L + v * pack::size);
    });
  for (const block_term<T>& term : terms) accumulate<T, L, R, V>(sum, term, lane);
  if (target.complete) {
    if (target.pre)
      each([&](auto i, auto v) __attribute__((always_inline)) {
        sum[i][v].store(target.pre + std::ptrdiff_t{r + i} * L + lane + v * pack::size);
      });
    each([&](auto i, auto v)
             __attribute__((always_inline)) { sum[i][v] = Activation{}(sum[i][v]); });
  }
  each([&](auto i, auto v)
           __attribute__((always_inline)) { sum[i][v].store(y + i * L + v * pack::size); });
}

/// As many vectors per block as R rows leave registers for, within the tile.
template <class T, int L, int R>
inline constexpr int block_vectors =
    std::min(block_rows / R * strip_vectors, L / simd::pack<T>::size);

/// R rows from row r on, all lanes in use.
template <class T, int L, class Activation, int R>
[[gnu::noinline]] void multiply_row_block(std::span<const block_term<T>> terms,
                                          const product_target<T>& target, int r, int lanes) {
  constexpr int wide = block_vectors<T, L, R>;
  int lane = 0;
  for (; lane + wide * simd::pack<T>::size <= lanes; lane += wide * simd::pack<T>::size)
    multiply_block<T, L, Activation, R, wide>(terms, target, r, lane);
  if constexpr (wide != strip_vectors)
    for (; lane < lanes; lane += strip<T>)
      multiply_block<T, L, Activation, R, strip_vectors>(terms, target, r, lane);
}

/// Most terms a layer has: context, units before it, inputs.
inline constexpr int max_terms = 3;

/// Rows [first, last), which lie in one panel and count 1, 2, 4 or 8 at most block_rows.
template <class T, int L, class Activation>
BIJOU_INLINE void multiply_rows_of_panel(const T* theta, std::span<const product_term<T>> terms,
                                         const product_target<T>& target, int r, int count,
                                         int lanes) {
  block_term<T> block[max_terms];
  int n = 0;
  for (const product_term<T>& t : terms)
    if (t.last > t.first)
      block[n++] = {theta + t.panels->index(r, t.first),
                    t.rows ? t.values : t.values + std::ptrdiff_t{t.first} * L,
                    t.rows ? t.rows + t.first : nullptr, t.last - t.first};
  const std::span<const block_term<T>> used(block, static_cast<std::size_t>(n));
  switch (count) {
  case 8:
    if constexpr (block_rows >= 8) multiply_row_block<T, L, Activation, 8>(used, target, r, lanes);
    break;
  case 4:
    multiply_row_block<T, L, Activation, 4>(used, target, r, lanes);
    break;
  case 2:
    multiply_row_block<T, L, Activation, 2>(used, target, r, lanes);
    break;
  default:
    multiply_row_block<T, L, Activation, 1>(used, target, r, lanes);
  }
}

/// Rows of the next register block from row r on: a power of two, within the panel and below last.
inline int next_block(int r, int last) {
  const int left = std::min(last, (r / panel_rows + 1) * panel_rows) - r;
  int count = block_rows;
  while (count > left) count /= 2;
  return count;
}

/// y[r] = activation(start[r] + sum over terms, columns k of w(r, k) value[k]) for rows [first,
/// last) and exactly the columns that the terms name.
template <class T, int L, class Activation>
void multiply_rows(const T* theta, int first, int last, std::span<const product_term<T>> terms,
                   const product_target<T>& target, int lanes) {
  for (int r = first; r < last;) {
    const int count = next_block(r, last);
    multiply_rows_of_panel<T, L, Activation>(theta, terms, target, r, count, lanes);
    r += count;
  }
}

} // namespace bijou::inline BIJOU_ISA::detail

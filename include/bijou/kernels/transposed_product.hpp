#pragma once
/// \file
/// W^T g of a tile: the panels of a staircase read with rows and columns exchanged.
///
/// A block of C columns x V vectors of sums stays in registers while the rows run, from the last
/// to the first: cotangents of the highest degrees are known first, so that a sweep which learns
/// them one degree at a time adds in this order anyway.

#include <bijou/kernels/masked_product.hpp>

namespace bijou::inline BIJOU_ISA::detail {

/// Where cotangents of columns go, and how.
template <class T> struct cotangent_target {
  T* gx; ///< column k at gx + (rows ? rows[k] : k) * L
  const int* rows;
  bool accumulate;   ///< add to what gx holds; else begin at zero
  const T* slope_at; ///< complete sums take activation'(slope_at row k) as a factor, if not null
};

/// Asks for C columns of a panel. From one panel to the next addresses jump, so that the machine
/// does not foresee them, and weights of a large layer are two caches away.
template <int C, class T> BIJOU_INLINE void prefetch_columns(const T* w) {
  constexpr int line = 64 / static_cast<int>(sizeof(T));
  unroll<C * panel_rows / line>([w](auto i) __attribute__((always_inline)) {
    __builtin_prefetch(w + i * line);
  });
}

/// C columns from k on, V vectors from `lane` on, rows [first, last) of the staircase.
template <class T, int L, class Activation, int C, int V>
BIJOU_INLINE void pull_back_block(const T* theta, const staircase& panels, int first, int last,
                                  const T* g, const cotangent_target<T>& target, int k, int lane) {
  using pack = simd::pack<T>;
  const auto gx = [&](int c) __attribute__((always_inline)) {
    return target.gx + std::ptrdiff_t{target.rows ? target.rows[k + c] : k + c} * L + lane;
  };
  const auto each = [&](auto&& f) __attribute__((always_inline)) {
    unroll<C>([&](auto c) __attribute__((always_inline)) {
      unroll<V>([&](auto v) __attribute__((always_inline)) { f(c, v); });
    });
  };
  register_block<T, C, V> sum;
  if (target.accumulate)
    each([&](auto c, auto v)
             __attribute__((always_inline)) { sum[c][v] = pack::load(gx(c) + v * pack::size); });
  else
    each([&](auto c, auto v) __attribute__((always_inline)) { sum[c][v] = pack(T(0)); });
  for (int end = last; end > first;) {
    const int q = (end - 1) / panel_rows;
    const int begin = std::max(first, q * panel_rows);
    const T* w = theta + panels.index(end - 1, k);
    const T* row = g + std::ptrdiff_t{end - 1} * L + lane;
    if (begin > first) prefetch_columns<C>(theta + panels.index(begin - panel_rows, k));
    for (int i = end - begin; i > 0; --i, --w, row -= L)
      add_products<T, C, V>(sum, w, panel_rows, row);
    end = begin;
  }
  if (target.slope_at)
    each([&](auto c, auto v) __attribute__((always_inline)) {
      const T* at = target.slope_at + std::ptrdiff_t{k + c} * L + lane + v * pack::size;
      sum[c][v] = sum[c][v] * Activation{}.derivative(pack::load(at));
    });
  each([&](auto c, auto v)
           __attribute__((always_inline)) { sum[c][v].store(gx(c) + v * pack::size); });
}

/// Columns [k, last_column), a multiple of C, rows [first, last); lanes outermost.
template <class T, int L, class Activation, int C>
[[gnu::noinline]] void pull_back_blocks(const T* theta, const staircase& panels, int k,
                                        int last_column, int first, int last, const T* g,
                                        const cotangent_target<T>& target, int lanes) {
  constexpr int many = block_vectors<T, L, C>;
  int lane = 0;
  for (; lane + many * simd::pack<T>::size <= lanes; lane += many * simd::pack<T>::size)
    for (int c = k; c < last_column; c += C)
      pull_back_block<T, L, Activation, C, many>(theta, panels, first, last, g, target, c, lane);
  if constexpr (many != strip_vectors)
    for (; lane < lanes; lane += strip<T>)
      for (int c = k; c < last_column; c += C)
        pull_back_block<T, L, Activation, C, strip_vectors>(theta, panels, first, last, g, target,
                                                            c, lane);
}

/// gx[k] (+)= sum over rows r in [first_row, last_row) of w(r, k) g[r], for columns [first_column,
/// last_column). All these entries must be stored: no row's panel may end before last_column.
template <class T, int L, class Activation>
void pull_back_columns(const T* theta, const staircase& panels, int first_column, int last_column,
                       int first_row, int last_row, const T* g, const cotangent_target<T>& target,
                       int lanes) {
  int k = first_column;
  const auto run = [&]<int C>(std::integral_constant<int, C>) {
    for (const int stop = k + (last_column - k) / C * C; k < stop;) {
      const int end = std::min(k + group_rows, stop);
      pull_back_blocks<T, L, Activation, C>(theta, panels, k, end, first_row, last_row, g, target,
                                            lanes);
      k = end;
    }
  };
  run(std::integral_constant<int, block_rows>{});
  if constexpr (block_rows > 4) run(std::integral_constant<int, 4>{});
  run(std::integral_constant<int, 2>{});
  run(std::integral_constant<int, 1>{});
}

} // namespace bijou::inline BIJOU_ISA::detail

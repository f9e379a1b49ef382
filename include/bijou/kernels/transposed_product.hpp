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

/// The cotangent g of an activation's output, pulled back to its input.
template <class Activation, class P> BIJOU_INLINE P pull_back(P at, P g) {
  if constexpr (requires { Activation{}.pull_back(at, g); })
    return Activation{}.pull_back(at, g);
  else
    return g * Activation{}.derivative(at);
}

/// Rows [first, last) that columns take cotangents from; `own`: only those that use the column.
struct row_range {
  int first, last;
  bool own = false;
};

/// Asks for C columns of a panel. From one panel to the next addresses jump, so that the machine
/// does not foresee them, and weights of a large layer are two caches away.
template <int C, class T> BIJOU_INLINE void prefetch_columns(const T* w) {
  constexpr int line = 64 / static_cast<int>(sizeof(T));
  unroll<C * panel_rows / line>([w](auto i) __attribute__((always_inline)) {
    __builtin_prefetch(w + i * line);
  });
}

/// C columns from k on, V vectors from `lane` on.
template <class T, int L, class Activation, int C, int V>
BIJOU_INLINE void pull_back_block(const T* theta, const staircase& panels, const row_range& range,
                                  const T* g, const cotangent_target<T>& target, int k, int lane) {
  using pack = simd::pack<T>;
  const auto each = [&](auto&& f) __attribute__((always_inline)) {
    unroll<C>([&](auto c) __attribute__((always_inline)) {
      unroll<V>([&](auto v) __attribute__((always_inline)) { f(c, v); });
    });
  };
  // Stores could change what target says, as far as the compiler knows.
  T* const gx = target.gx + lane;
  const int* const table = target.rows ? target.rows + k : nullptr;
  const auto each_place = [&](auto&& f) __attribute__((always_inline)) {
    if (table)
      each([&](auto c, auto v) __attribute__((always_inline)) {
        f(c, v, gx + std::ptrdiff_t{table[c]} * L + v * pack::size);
      });
    else
      each([&, first = gx + std::ptrdiff_t{k} * L ](auto c, auto v)
               __attribute__((always_inline)) { f(c, v, first + c * L + v * pack::size); });
  };
  register_block<T, C, V> sum;
  if (target.accumulate)
    each_place([&](auto c, auto v, const T* at)
                   __attribute__((always_inline)) { sum[c][v] = pack::load(at); });
  else
    each([&](auto c, auto v) __attribute__((always_inline)) { sum[c][v] = pack(T(0)); });
  // The first N columns of rows from end - 1 downwards, to `first` or to the first of the panel.
  int end = range.last;
  const auto add_rows = [&](auto n, int first) __attribute__((always_inline)) {
    const int q = panel_of(end - 1), top = q * panel_rows, width = panels.width(q);
    const int begin = std::max(first, top);
    if (top > first && n == C)
      prefetch_columns<C>(theta + panels.panel(q - 1) + std::ptrdiff_t{k} * panel_rows);
    const T* w = theta + panels.panel(q) + std::ptrdiff_t{k} * width + (end - 1 - top);
    const T* row = g + std::ptrdiff_t{end - 1} * L + lane;
    for (int i = end - begin; i > 0; --i, --w, row -= L)
      add_products<T, C, V, 0, n>(sum, w, width, row);
    end = begin;
  };
  for (const int first = range.own ? panels.first_row(k + C - 1) : range.first; end > first;)
    add_rows(std::integral_constant<int, C>{}, first);
  if constexpr (C > 1)
    for (int n = C - 1, least = range.own ? panels.first_row(k) : end; end > least; --n)
      for (const int first = panels.first_row(k + n - 1); end > first;)
        unroll<C - 1>([&, before = end ](auto i) __attribute__((always_inline)) {
          if (n == i + 1 && end == before) add_rows(std::integral_constant<int, i + 1>{}, first);
        });
  if (target.slope_at)
    each([&, first = target.slope_at + std::ptrdiff_t{k} * L +
          lane ](auto c, auto v) __attribute__((always_inline)) {
      sum[c][v] = pull_back<Activation>(pack::load(first + c * L + v * pack::size), sum[c][v]);
    });
  each_place([&](auto c, auto v, T* at) __attribute__((always_inline)) { sum[c][v].store(at); });
}

/// Columns [k, last_column), a multiple of C, all lanes in use.
template <class T, int L, class Activation, int C>
[[gnu::noinline]] void pull_back_blocks(const T* theta, const staircase& panels, int k,
                                        int last_column, const row_range& range, const T* g,
                                        const cotangent_target<T>& target, int lanes) {
  constexpr int many = block_vectors<T, L, C>;
  for (; k < last_column; k += C) {
    int lane = 0;
    for (; lane + many * simd::pack<T>::size <= lanes; lane += many * simd::pack<T>::size)
      pull_back_block<T, L, Activation, C, many>(theta, panels, range, g, target, k, lane);
    if constexpr (many != strip_vectors)
      for (; lane < lanes; lane += strip<T>)
        pull_back_block<T, L, Activation, C, strip_vectors>(theta, panels, range, g, target, k,
                                                            lane);
  }
}

/// gx[k] (+)= sum over rows r of w(r, k) g[r] for columns [first_column, last_column): over rows
/// [range.first, range.last), and all these entries must be stored (no row's panel may end before
/// last_column), or, from range.last down, over those that use column k.
template <class T, int L, class Activation>
void pull_back_columns(const T* theta, const staircase& panels, int first_column, int last_column,
                       const row_range& range, const T* g, const cotangent_target<T>& target,
                       int lanes) {
  int k = first_column;
  const auto run = [&]<int C>(std::integral_constant<int, C>) {
    const int stop = k + (last_column - k) / C * C;
    if (k < stop)
      pull_back_blocks<T, L, Activation, C>(theta, panels, k, stop, range, g, target, lanes);
    k = stop;
  };
  run(std::integral_constant<int, block_rows>{});
  if constexpr (block_rows > 4) run(std::integral_constant<int, 4>{});
  run(std::integral_constant<int, 2>{});
  run(std::integral_constant<int, 1>{});
}

} // namespace bijou::inline BIJOU_ISA::detail

#pragma once
/// \file
/// W x of one sample: the same panels and the same chains as a tile, lanes are rows.
///
/// A register holds neighbouring rows of a panel; x[k] is broadcast. Each row adds bias, then its
/// terms, k ascending, by fused multiply-adds, as the tile's kernel does: a single event has the
/// bits that it has in a batch.

#include <bijou/kernels/masked_product.hpp>

namespace bijou::inline BIJOU_ISA::detail {

/// A run of rows within one panel that stores `width`, `Vectors` registers, columns [k, last) of
/// one term. Lanes beyond the rows of a narrow panel receive products that nobody reads.
template <class T, int Vectors>
BIJOU_INLINE void accumulate_rows(simd::pack<T>* sum, const T* w, std::ptrdiff_t width, const T* x,
                                  const int* rows, int k, int last) {
  using pack = simd::pack<T>;
  for (; k < last; ++k) {
    const pack value(x[rows ? rows[k] : k]);
#pragma GCC unroll 32
    for (int v = 0; v < Vectors; ++v)
      sum[v] = fma(pack::load(w + k * width + v * pack::size), value, sum[v]);
  }
}

/// Vectors of a panel.
template <class T> inline constexpr int panel_vectors = panel_rows / simd::pack<T>::size;

/// sum[16 rows of panel q and of the next] += terms of all of them, columns of each up to its
/// panel's limit. Panels run together: one chain alone would wait for its own latency.
template <class T, int Panels>
BIJOU_INLINE void accumulate_panels(const T* theta, const product_term<T>& term, int q,
                                    register_block<T, Panels, panel_vectors<T>>& sum) {
  using pack = simd::pack<T>;
  const T* w[static_cast<std::size_t>(Panels)];
  std::ptrdiff_t width[static_cast<std::size_t>(Panels)];
#pragma GCC unroll 32
  for (int p = 0; p < Panels; ++p) {
    w[p] = theta + term.panels->panel(q + p);
    width[p] = p < Panels - 1 ? panel_rows : term.panels->width(q + p);
  }
  const int shared = std::min(term.last, term.panels->panel_limit(q));
  for (int k = 0; k < shared; ++k) {
    const pack value(term.values[term.rows ? term.rows[k] : k]);
#pragma GCC unroll 32
    for (int p = 0; p < Panels; ++p)
#pragma GCC unroll 32
      for (int v = 0; v < panel_vectors<T>; ++v)
        sum[p][v] = fma(pack::load(w[p] + k * width[p] + v * pack::size), value, sum[p][v]);
  }
  unroll<Panels>([&](auto p) __attribute__((always_inline)) {
    accumulate_rows<T, panel_vectors<T>>(sum[p], w[p], width[p], term.values, term.rows, shared,
                                         std::min(term.last, term.panels->panel_limit(q + p)));
  });
}

/// y[r] = activation(bias[r] + terms) for whole panels [q, q + Panels); y has room for them.
template <class T, class Activation, int Panels>
BIJOU_INLINE void multiply_panels(const T* theta, std::span<const product_term<T>> terms,
                                  const T* bias, int q, T* y, bool complete) {
  register_block<T, Panels, panel_vectors<T>> sum;
  load_block<T, panel_rows, Panels, panel_vectors<T>>(sum, bias + panel_begin(q));
  for (const product_term<T>& term : terms) accumulate_panels<T, Panels>(theta, term, q, sum);
  if (complete)
#pragma GCC unroll 32
    for (int p = 0; p < Panels; ++p)
#pragma GCC unroll 32
      for (int v = 0; v < panel_vectors<T>; ++v) sum[p][v] = Activation{}(sum[p][v]);
  store_block<T, panel_rows, Panels, panel_vectors<T>>(sum, y + panel_begin(q));
}

/// Whole layer of one sample. Columns beyond a row's limit are corners, zero times a known value.
template <class T, class Activation>
void multiply_layer(const T* theta, std::span<const product_term<T>> terms, const T* bias,
                    int panels, T* y, bool complete) {
  constexpr int together = std::clamp(block_rows * strip_vectors / panel_vectors<T>, 1, 4);
  int q = 0;
  for (; q + together <= panels; q += together)
    multiply_panels<T, Activation, together>(theta, terms, bias, q, y, complete);
  if constexpr (together > 2)
    for (; q + 2 <= panels; q += 2)
      multiply_panels<T, Activation, 2>(theta, terms, bias, q, y, complete);
  for (; q < panels; ++q) multiply_panels<T, Activation, 1>(theta, terms, bias, q, y, complete);
}

/// y[r] += terms for every row of the panels from first_row's to the last, columns [term.first,
/// term.last). Rows above that end before these columns add zeros.
template <class T>
void push_columns(const T* theta, const product_term<T>& term, int first_row, T* y) {
  using pack = simd::pack<T>;
  const staircase& panels = *term.panels;
  if (term.first >= term.last || first_row >= panels.rows()) return;
  for (int q = panel_of(first_row); q < panels.panels(); ++q) {
    registers_of<T, panel_vectors<T>> sum;
    T* const target = y + panel_begin(q);
#pragma GCC unroll 32
    for (int v = 0; v < panel_vectors<T>; ++v) sum[v] = pack::load(target + v * pack::size);
    accumulate_rows<T, panel_vectors<T>>(sum, theta + panels.panel(q), panels.width(q), term.values,
                                         term.rows, term.first, term.last);
#pragma GCC unroll 32
    for (int v = 0; v < panel_vectors<T>; ++v) sum[v].store(target + v * pack::size);
  }
}

/// y[r] = f(r, y[r]) for rows [first, last) only. Whole registers are written back, the rows beside
/// as they were: what reads single rows next finds them in one store.
template <class T, class F> BIJOU_INLINE void change_rows(T* y, int first, int last, F&& f) {
  using pack = simd::pack<T>;
  const pack from(static_cast<T>(first)), to(static_cast<T>(last));
  for (int r = first / pack::size * pack::size; r < last; r += pack::size) {
    const pack row = simd::iota<T>() + pack(static_cast<T>(r)), before = pack::load(y + r);
    select((row >= from) & (row < to), f(r, before), before).store(y + r);
  }
}

/// y[r] += term for rows [first, last) only.
template <class T>
void multiply_some_rows(const T* theta, const product_term<T>& term, int first, int last, T* y) {
  if (term.first >= term.last) return;
  change_rows(y, first, last, [&](int r, simd::pack<T> sum) {
    const T* w = theta + term.panels->index(r, 0);
    accumulate_rows<T, 1>(&sum, w, term.panels->column_step(r), term.values, term.rows, term.first,
                          term.last);
    return sum;
  });
}

/// y[r] = activation(y[r]) for rows [first, last) only.
template <class T, class Activation> void activate_rows(T* y, int first, int last) {
  change_rows(y, first, last, [](int, simd::pack<T> z) { return Activation{}(z); });
}

} // namespace bijou::inline BIJOU_ISA::detail

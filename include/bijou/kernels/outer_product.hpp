#pragma once
/// \file
/// g x^T summed over the samples of a tile: the gradient of packed weights, in their own layout.
///
/// Sixteen rows of g are transposed once, so that the rows of a panel lie side by side for each
/// sample. A block of columns of the gradient then stays in registers while the samples run; per
/// sample it loads the panel's cotangents and broadcasts one value per column. Corners receive
/// products as well; whoever uses the gradient clears them first.

#include <bijou/kernels/masked_product.hpp>

namespace bijou::inline BIJOU_ISA::detail {

/// Register block of the gradient: columns times the vectors of one or two panels side by side.
template <class T> struct outer_block {
  static constexpr int vectors = panel_rows / simd::pack<T>::size;
  static constexpr int sums = simd::registers >= 32 ? 24 : 12;
  static constexpr int panels = vectors == 1 ? 2 : 1;
  static constexpr int columns = std::max(1, sums / (vectors * panels));
  /// Distance between samples of transposed cotangents.
  static constexpr int stride = panel_rows * panels;
};

/// Elements of scratch that transposed panels take.
template <class T, int L> inline constexpr int transposed_size = outer_block<T>::stride * L;

/// Transposes rows [0, count) of g, all lanes, to out[lane * stride + row]; absent rows are zero.
template <class T, int L> void transpose_panel(const T* g, int count, T* out) {
  constexpr int w = simd::pack<T>::size, stride = outer_block<T>::stride;
  static_assert(panel_rows % w == 0, "bijou: a panel is a whole number of registers");
  for (int r = 0; r < panel_rows; r += w) {
    const int present = std::clamp(count - r, 0, w);
    const T* const from = g + std::ptrdiff_t{r} * L;
    if (present == w)
      for (int lane = 0; lane < L; lane += w)
        transpose_block<T>(from + lane, L, out + lane * stride + r, stride);
    else
      for (int lane = 0; lane < L; lane += w)
        transpose_block<T>(from + lane, L, out + lane * stride + r, stride, present);
  }
}

/// sum[16] += the transposed cotangents of all samples: the gradient of biases. Four partial sums:
/// one would wait for itself.
template <class T> void add_rows(const T* g, int samples, T* sum) {
  using pack = simd::pack<T>;
  constexpr int stride = outer_block<T>::stride;
#pragma GCC unroll 32
  for (int v = 0; v < outer_block<T>::vectors; ++v) {
    const T* const rows = g + v * pack::size;
    registers_of<T, 4> s{pack(T(0)), pack(T(0)), pack(T(0)), pack(T(0))};
    int t = 0;
    for (; t + 4 <= samples; t += 4)
#pragma GCC unroll 32
      for (int i = 0; i < 4; ++i) s[i] += pack::load(rows + (t + i) * stride);
    for (; t < samples; ++t) s[0] += pack::load(rows + t * stride);
    T* const to = sum + v * pack::size;
    (pack::load(to) + ((s[0] + s[1]) + (s[2] + s[3]))).store(to);
  }
}

/// gradient[p][c][16] += sum over samples t of x[c][t] g[t][p][16]; rows of x lie L apart.
template <class T, int L, int Panels, int Columns>
BIJOU_INLINE void add_outer_block(const T* x, const T* g, int samples, T* const (&gradient)[2]) {
  using pack = simd::pack<T>;
  constexpr int vectors = outer_block<T>::vectors;
  register_block<T, Columns, Panels * vectors> sum;
#pragma GCC unroll 32
  for (int c = 0; c < Columns; ++c)
#pragma GCC unroll 32
    for (int v = 0; v < Panels * vectors; ++v)
      sum[c][v] = pack::load(gradient[v / vectors] + c * panel_rows + v % vectors * pack::size);
  for (int t = 0; t < samples; ++t)
    add_products<T, Columns, Panels * vectors>(sum, x + t, L, g + t * outer_block<T>::stride);
#pragma GCC unroll 32
  for (int c = 0; c < Columns; ++c)
#pragma GCC unroll 32
    for (int v = 0; v < Panels * vectors; ++v)
      sum[c][v].store(gradient[v / vectors] + c * panel_rows + v % vectors * pack::size);
}

/// Columns [first, last) of one panel (or two side by side).
template <class T, int L, int Panels>
[[gnu::noinline]] void add_outer(const T* x, const T* g, int samples, int first, int last,
                                 T* gradient0, T* gradient1) {
  int k = first;
  const auto run = [&]<int C>(std::integral_constant<int, C>) __attribute__((always_inline)) {
    for (; k + C <= last; k += C) {
      const std::ptrdiff_t offset = std::ptrdiff_t{k} * panel_rows;
      T* const gradient[2] = {gradient0 + offset, Panels > 1 ? gradient1 + offset : nullptr};
      add_outer_block<T, L, Panels, C>(x + std::ptrdiff_t{k} * L, g, samples, gradient);
    }
  };
  constexpr int columns = outer_block<T>::columns * outer_block<T>::panels / Panels;
  run(std::integral_constant<int, columns>{});
  if constexpr (columns > 4) run(std::integral_constant<int, 4>{});
  if constexpr (columns > 2) run(std::integral_constant<int, 2>{});
  run(std::integral_constant<int, 1>{});
}

/// The gradient of panels [q, q + count) of a staircase, count <= outer_block<T>::panels, from
/// their transposed cotangents g and contiguous rows of values x; grad is laid out like theta.
template <class T, int L>
void add_outer_panels(const staircase& panels, int q, int count, const T* x, const T* g,
                      int samples, T* grad) {
  T* const first = grad + panels.panel(q);
  const int shared = panels.panel_limit(q);
  if constexpr (outer_block<T>::panels == 2)
    if (count == 2) {
      T* const second = grad + panels.panel(q + 1);
      add_outer<T, L, 2>(x, g, samples, 0, shared, first, second);
      add_outer<T, L, 1>(x, g + panel_rows, samples, shared, panels.panel_limit(q + 1), second,
                         nullptr);
      return;
    }
  add_outer<T, L, 1>(x, g, samples, 0, shared, first, nullptr);
}

} // namespace bijou::inline BIJOU_ISA::detail

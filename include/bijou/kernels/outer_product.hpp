#pragma once
/// \file
/// g x^T summed over the samples of a tile: the gradient of packed weights, in their own layout.
///
/// Sixteen rows of g are transposed once, so that the rows of a panel lie side by side for each
/// sample. A block of columns of the gradient then stays in registers while the samples run; per
/// sample it loads the panel's cotangents and broadcasts one value per column. Corners receive
/// products as well; whoever uses the gradient clears them first.

#include <bijou/kernels/staircase.hpp>
#include <bijou/kernels/tile.hpp>

namespace bijou::inline BIJOU_ISA::detail {

/// Vectors of a panel, panels taken together and columns of a register block of the gradient.
template <class T> struct outer_block {
  static constexpr int vectors = std::max(1, panel_rows / simd::pack<T>::size);
  static constexpr int sums = simd::registers >= 32 ? 24 : 12;
  static constexpr int panels = vectors == 1 ? 2 : 1;
  static constexpr int columns = std::max(1, sums / (vectors * panels));
};

/// Transposes rows [0, count) of g, lanes [0, L), to sample-major [lane][16]; absent rows are zero.
template <class T, int L> void transpose_panel(const T* g, int count, T* out) {
  constexpr int w = simd::pack<T>::size;
  static_assert(panel_rows % w == 0, "bijou: a panel is a whole number of registers");
  int r = 0;
  for (; r + w <= count; r += w)
    for (int lane = 0; lane < L; lane += w)
      transpose_block<T>(g + r * L + lane, L, out + lane * panel_rows + r, panel_rows);
  for (; r < panel_rows; ++r)
    for (int lane = 0; lane < L; ++lane)
      out[lane * panel_rows + r] = r < count ? g[r * L + lane] : T(0);
}

/// sum[16] += the transposed cotangents of all samples: the gradient of biases.
template <class T> void add_rows(const T* g, int samples, T* sum) {
  using pack = simd::pack<T>;
  unroll<outer_block<T>::vectors>([&](auto v) __attribute__((always_inline)) {
    pack s = pack::load(sum + v * pack::size);
    for (int t = 0; t < samples; ++t) s += pack::load(g + t * panel_rows + v * pack::size);
    s.store(sum + v * pack::size);
  });
}

/// gradient[p][c][16] += sum over samples t of x[c][t] g[p][t][16]; x rows lie L apart, panels of g
/// 16 L apart.
template <class T, int L, int Panels, int Columns>
BIJOU_INLINE void add_outer_block(const T* x, const T* g, int samples, T* const (&gradient)[2]) {
  using pack = simd::pack<T>;
  constexpr int vectors = outer_block<T>::vectors;
  register_block<T, Columns, vectors> sum[static_cast<std::size_t>(Panels)];
  const auto each = [&](auto&& f) __attribute__((always_inline)) {
    unroll<Panels>([&](auto p) __attribute__((always_inline)) {
      unroll<Columns>([&](auto c) __attribute__((always_inline)) {
        unroll<vectors>([&](auto v) __attribute__((always_inline)) { f(p, c, v); });
      });
    });
  };
  each([&](auto p, auto c, auto v) __attribute__((always_inline)) {
    sum[p][c][v] = pack::load(gradient[p] + c * panel_rows + v * pack::size);
  });
  for (int t = 0; t < samples; ++t) {
    register_block<T, Panels, vectors> cotangent;
    unroll<Panels>([&](auto p) __attribute__((always_inline)) {
      unroll<vectors>([&](auto v) __attribute__((always_inline)) {
        cotangent[p][v] = pack::load(g + (p * L + t) * panel_rows + v * pack::size);
      });
    });
    unroll<Columns>([&](auto c) __attribute__((always_inline)) {
      const pack value(x[c * L + t]);
      unroll<Panels>([&](auto p) __attribute__((always_inline)) {
        unroll<vectors>([&](auto v) __attribute__((always_inline)) {
          sum[p][c][v] = fma(value, cotangent[p][v], sum[p][c][v]);
        });
      });
    });
  }
  each([&](auto p, auto c, auto v) __attribute__((always_inline)) {
    sum[p][c][v].store(gradient[p] + c * panel_rows + v * pack::size);
  });
}

/// Columns [first, last) of one panel (or two side by side).
template <class T, int L, int Panels>
[[gnu::noinline]] void add_outer(const T* x, const T* g, int samples, int first, int last,
                                 T* gradient0, T* gradient1) {
  const auto run = [&]<int C>(std::integral_constant<int, C>, int k)
      __attribute__((always_inline)) {
    const std::ptrdiff_t offset = std::ptrdiff_t{k} * panel_rows;
    T* const gradient[2] = {gradient0 + offset, Panels > 1 ? gradient1 + offset : nullptr};
    add_outer_block<T, L, Panels, C>(x + std::ptrdiff_t{k} * L, g, samples, gradient);
  };
  constexpr int block = outer_block<T>::columns * outer_block<T>::panels / Panels;
  int k = first;
  for (; k + block <= last; k += block) run(std::integral_constant<int, block>{}, k);
  if constexpr (block > 4)
    for (; k + 4 <= last; k += 4) run(std::integral_constant<int, 4>{}, k);
  for (; k < last; ++k) run(std::integral_constant<int, 1>{}, k);
}

/// Elements of scratch that transposed panels take.
template <class T, int L>
inline constexpr int transposed_size = outer_block<T>::panels * panel_rows * L;

/// The gradient of panels [q, q + count) of a staircase, count <= outer_block<T>::panels, from
/// their transposed cotangents g and contiguous rows of values x; grad is laid out like theta.
template <class T, int L>
void add_outer_panels(const staircase& panels, int q, int count, const T* x, const T* g,
                      int samples, T* grad) {
  T* const first = grad + panels.panel(q);
  const int shared = panels.panel_limit(q);
  if (count == 2) {
    T* const second = grad + panels.panel(q + 1);
    if constexpr (outer_block<T>::panels == 2)
      add_outer<T, L, 2>(x, g, samples, 0, shared, first, second);
    add_outer<T, L, 1>(x, g + panel_rows * L, samples, shared, panels.panel_limit(q + 1), second,
                       nullptr);
  } else {
    add_outer<T, L, 1>(x, g, samples, 0, shared, first, nullptr);
  }
}

} // namespace bijou::inline BIJOU_ISA::detail

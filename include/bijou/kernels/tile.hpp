#pragma once
/// \file
/// A tile: a row per variable, a lane per sample. Its widths, and the way into and out of it.
///
/// Row r of a tile with L lanes begins at p + r * L. A batch of samples is a loop over tiles; the
/// last one may be partial: its spare lanes repeat the last sample, so that they compute what that
/// sample computes, and are never written back.

#include <bijou/kernels/transpose.hpp>

#include <algorithm>

namespace bijou::inline BIJOU_ISA {

namespace detail {
/// Register block of a masked product, rows x vectors. Each fused multiply-add takes four to five
/// cycles and two start per cycle: fewer than ten sums at a time leave the units idle. Sixteen
/// registers hold 4 x 3 sums, three vectors of values and one weight; without a fused instruction
/// the product needs a register of its own.
#if defined(__FMA__) || defined(__AVX512F__)
inline constexpr int strip_vectors = simd::registers >= 32 ? 2 : 3;
#else
inline constexpr int strip_vectors = 2;
#endif
inline constexpr int block_rows = simd::registers >= 32 ? 8 : 4;
} // namespace detail

/// Lanes that a kernel handles at a time: lanes in use are a multiple of it.
template <class T> inline constexpr int strip = detail::strip_vectors * simd::pack<T>::size;

/// Lanes of a tile: enough to amortise what is done once per row, few enough that the hidden rows
/// of a layer stay in the second-level cache. Sixteen registers: whole strips of three vectors.
template <class T>
inline constexpr int default_lanes =
    simd::registers >= 32 ? 64 : 96 * static_cast<int>(sizeof(float)) / static_cast<int>(sizeof(T));
/// Lanes of a tile for networks with fewer than eight units per degree: sweeps of few rows at a
/// time need more lanes to keep the multiply-add units busy.
template <class T> inline constexpr int wide_lanes = simd::registers >= 32 ? 128 : 96;

/// Lanes in use for n samples.
template <class T> constexpr int lanes_for(int n) { return detail::round_up(n, strip<T>); }

/// Sample-major memory: variable v of sample i is at data[i * sample_stride + column(v) *
/// variable_stride], with column(v) = index ? index[v] : v.
template <class T> struct sample_view {
  T* data;
  std::ptrdiff_t sample_stride;
  std::ptrdiff_t variable_stride = 1;
  const int* index = nullptr;

  BIJOU_INLINE T* variable(int v) const { return data + (index ? index[v] : v) * variable_stride; }
};

/// Loads `samples` samples of `variables` variables into rows of a tile with L lanes; variable v
/// goes to row rows[v] (row v if rows is null). Lanes up to lanes_for(samples) repeat the last.
template <class T, int L>
void load_tile(sample_view<const T> from, int samples, int variables, T* tile,
               const int* rows = nullptr) {
  static_assert(L % strip<T> == 0, "bijou: a tile's lanes are a multiple of the kernel's strip");
  constexpr int w = simd::pack<T>::size;
  const auto row = [&](int v) { return tile + (rows ? rows[v] : v) * L; };
  const bool contiguous = from.variable_stride == 1 && !from.index && !rows;
  const int blocked = contiguous ? variables / w * w : 0;
  const int full = contiguous ? samples / w * w : 0;
  for (int v = 0; v < blocked; v += w)
    for (int i = 0; i < full; i += w)
      detail::transpose_block<T>(from.data + i * from.sample_stride + v, from.sample_stride,
                                 tile + v * L + i, L);
  for (int v = 0; v < variables; ++v) {
    const T* source = from.variable(v);
    T* target = row(v);
    for (int i = v < blocked ? full : 0; i < samples; ++i)
      target[i] = source[i * from.sample_stride];
    std::fill(target + samples, target + lanes_for<T>(samples), target[samples - 1]);
  }
}

/// Stores the rows of `samples` lanes of a tile back into sample-major memory: load_tile reversed.
template <class T, int L>
void store_tile(const T* tile, int samples, int variables, sample_view<T> to,
                const int* rows = nullptr) {
  constexpr int w = simd::pack<T>::size;
  const auto row = [&](int v) { return tile + (rows ? rows[v] : v) * L; };
  const bool contiguous = to.variable_stride == 1 && !to.index && !rows;
  const int blocked = contiguous ? variables / w * w : 0;
  const int full = contiguous ? samples / w * w : 0;
  for (int v = 0; v < blocked; v += w)
    for (int i = 0; i < full; i += w)
      detail::transpose_block<T>(tile + v * L + i, L, to.data + i * to.sample_stride + v,
                                 to.sample_stride);
  for (int v = 0; v < variables; ++v) {
    const T* source = row(v);
    T* target = to.variable(v);
    for (int i = v < blocked ? full : 0; i < samples; ++i) target[i * to.sample_stride] = source[i];
  }
}

} // namespace bijou::inline BIJOU_ISA

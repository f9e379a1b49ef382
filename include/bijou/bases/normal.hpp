#pragma once
/// \file
/// `normal<D>`: D independent standard normals, the usual source of noise.

#include <bijou/grammar/pipe.hpp>
#include <bijou/kernels/simd.hpp>
#include <bijou/random/normal.hpp>

#include <cstdint>
#include <span>
#include <string>

namespace bijou::inline BIJOU_ISA {

/// log p(x) = -1/2 sum_d x_d^2 - D/2 log(2 pi), nats.
template <int D> struct normal_t {
  using bijou_tag = base_tag;
  static constexpr auto at = place<D>::all(kind::line);
  static std::string text() { return "normal<" + std::to_string(D) + ">"; }

  /// log p of the lanes of a tile (rows `stride` apart), one strip of lanes: sums d ascending.
  template <class T> static simd::pack<T> log_prob(const T* x, int stride) {
    using P = simd::pack<T>;
    P squares(T(0));
    for (int d = 0; d < D; ++d) {
      const P v = P::load(x + d * stride);
      squares = fma(v, v, squares);
    }
    const T log_norm = T(-0.5 * D) * T(1.8378770664093454835606594728112); // log(2 pi)
    return fma(P(T(-0.5)), squares, P(log_norm));
  }
  /// d log p / dx_d where variable d is x.
  template <class T> static simd::pack<T> score(simd::pack<T> x, int /*d*/) { return -x; }

  /// Noise of the samples first .. first + n - 1, a row for each variable.
  template <class T>
  static void fill(const philox& stream, std::uint64_t first, T* x, int stride, int n) {
    fill_normal(stream, first, D, x, stride, n);
  }
  /// The same for one sample, contiguous.
  template <class T> static void fill(const philox& stream, std::uint64_t first, T* x) {
    fill_normal(stream, first, std::span<T>(x, static_cast<std::size_t>(D)));
  }
};

/// D independent standard normals: the base of most flows.
template <int D>
  requires(D > 0)
inline constexpr normal_t<D> normal{};

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// `uniform<D>`: the unit box, the base of integrators and of rendering.

#include <bijou/grammar/pipe.hpp>
#include <bijou/kernels/simd.hpp>
#include <bijou/random/uniform.hpp>

#include <cstdint>
#include <span>
#include <string>

namespace bijou::inline BIJOU_ISA {

/// log p(x) = 0 on [0, 1]^D, nats. Points outside are found by the flow, which knows the support.
template <int D> struct uniform_t {
  using bijou_tag = base_tag;
  static constexpr auto at = place<D>::all(kind::unit);
  static std::string text() { return "uniform<" + std::to_string(D) + ">"; }

  /// Zero, and NaN where a coordinate is NaN.
  template <class T> static simd::pack<T> log_prob(const T* x, int stride) {
    using P = simd::pack<T>;
    P zero(T(0));
    for (int d = 0; d < D; ++d) {
      const P v = P::load(x + d * stride);
      zero = select(isnan(v), v, zero);
    }
    return zero;
  }
  template <class T> static simd::pack<T> score(simd::pack<T>, int /*d*/) { return {T(0)}; }

  template <class T>
  static void fill(const philox& stream, std::uint64_t first, T* x, int stride, int n) {
    fill_uniform(stream, first, D, x, stride, n);
  }
  template <class T> static void fill(const philox& stream, std::uint64_t first, T* x) {
    fill_uniform(stream, first, std::span<T>(x, static_cast<std::size_t>(D)));
  }
};

/// Uniform on the unit box [0, 1]^D.
template <int D>
  requires(D > 0)
inline constexpr uniform_t<D> uniform{};

} // namespace bijou::inline BIJOU_ISA

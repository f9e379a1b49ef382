#pragma once
/// \file
/// The flows that benchmarks and peers share. bench/peers has the same under the same names.
///
/// | name | what | D | hidden widths |
/// |---|---|---|---|
/// | W1 | sample and score, five inverse autoregressive layers | 8 | 64 |
/// | W2 | the same, affine | 64 | 512, 512 |
/// | W3 | score, five masked autoregressive layers; W3s: sample | 64 | 512, 512 |
/// | W4 | a training step of W3: gradient of the mean log-likelihood, Adam | 64 | 512, 512 |
/// | W5 | score, five spline couplings, 8 bins within [-3, 3] | 16 | 128, 128 |
/// | W6 | a step on the ELBO of W1's flow with fresh noise, Adam | 2, 10 | 64 |
///
/// Variables are reversed between layers.

#include <bijou/bijou.hpp>

#include <array>
#include <cstddef>

namespace bench {

using namespace bijou;

/// `base | layer | flip | layer ...` with five layers.
template <class Base, class Layer> constexpr auto five(Base base, Layer layer) {
  return base | layer | flip | layer | flip | layer | flip | layer | flip | layer;
}

inline constexpr auto small_iaf = five(normal<8>, iaf<64>);
inline constexpr auto large_iaf = five(normal<64>, autoregressive<512, 512>(affine));
inline constexpr auto large_maf = five(normal<64>, maf<512, 512>);
template <int D> inline constexpr auto iaf_guide = five(normal<D>, iaf<64>);
inline constexpr auto spline_coupling = five(normal<16>, coupling<128, 128>(rational_quadratic<8>));

/// W6's target: the first energy of Rezende and Mohamed (1505.05770, table 1) in the first two
/// variables, a unit Gaussian in the others.
struct ring_target {
  template <class P, std::size_t D>
  P value_and_grad(const std::array<P, D>& x, std::array<P, D>& gradient) const {
    using T = typename P::value_type;
    const P a = x[0], b = x[1], two(T(2)), half(T(0.5)), by_width(T(1 / 0.6)), by_ring(T(1 / 0.4));
    const P radius = math::sqrt(fma(a, a, b * b)), ring = (radius - two) * by_ring;
    const P right = (a - two) * by_width, left = (a + two) * by_width;
    const P right_half = half * right * right, left_half = half * left * left;
    const P share = math::sigmoid(left_half - right_half); // of the right side
    const P pull = ring * by_ring / radius;
    gradient[0] = -(pull * a) - (share * right + (P(T(1)) - share) * left) * by_width;
    gradient[1] = -(pull * b);
    P log_p = math::softplus(left_half - right_half) - left_half - half * ring * ring;
    for (std::size_t d = 2; d < D; ++d) {
      gradient[d] = -x[d];
      log_p = fma(-half * x[d], x[d], log_p);
    }
    return log_p;
  }
};

} // namespace bench

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
///
/// Variables are reversed between layers.

#include <bijou/bijou.hpp>

namespace bench {

using namespace bijou;

/// `base | layer | flip | layer ...` with five layers.
template <class Base, class Layer> constexpr auto five(Base base, Layer layer) {
  return base | layer | flip | layer | flip | layer | flip | layer | flip | layer;
}

inline constexpr auto small_iaf = five(normal<8>, iaf<64>);
inline constexpr auto large_iaf = five(normal<64>, autoregressive<512, 512>(affine));
inline constexpr auto large_maf = five(normal<64>, maf<512, 512>);
inline constexpr auto spline_coupling = five(normal<16>, coupling<128, 128>(rational_quadratic<8>));

} // namespace bench

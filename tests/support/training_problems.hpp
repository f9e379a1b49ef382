#pragma once
/// \file
/// What tests of training runs train on.

#include <bijou/bijou.hpp>

#include <cstddef>

#include "values_of.hpp"

namespace bijou::testing {

/// A target: a Gaussian askew.
inline constexpr auto hill = [](const auto& x) {
  const auto u = x[0] - 1.0, v = x[1] + 0.5 * x[0];
  return -0.5 * (u * u + 4.0 * v * v);
};

/// Samples of a crooked density.
template <class T> xt::xtensor<T, 2> crooked(std::size_t n) {
  const auto q = make_flow<T>(normal<2> | iaf<16>, 9);
  philox stream{3};
  xt::xtensor<T, 2> y = q.sample(stream, n);
  for (std::size_t i = 0; i < n; ++i) y(i, 1) += y(i, 0) * y(i, 0);
  return y;
}

} // namespace bijou::testing

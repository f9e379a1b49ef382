#pragma once
/// \file
/// A masked network as other libraries keep it: dense matrices in their own order of units.

#include <bijou/networks/network_plan.hpp>

#include <optional>

namespace bijou::inline BIJOU_ISA {

/// y = (weight * mask) x + bias, weight row-major {rows, cols}. A skip connection has no bias.
template <class T> struct dense_layer {
  int rows = 0, cols = 0;
  std::vector<T> weight, bias;
  std::vector<unsigned char> mask; ///< 1 where the structure has a weight
};

/// Hidden layers and the output, units in their original order. Columns of the first layer and of
/// the skip connection: context, then inputs. Output row of parameter j of the i-th among n mapped
/// variables: j * n + i. Inputs and outputs stand by rank where a masked network exports or imports
/// (this file), and by variable where a flow does (set_network, named parameters, files).
template <class T> struct dense_network {
  std::vector<dense_layer<T>> layers;
  std::optional<dense_layer<T>> skip;
};

namespace detail {

/// Row r of layer l in the original order, -1 for padding.
inline int dense_row(const network_plan& plan, int l, int r) {
  if (l < plan.hidden_layers()) return at(plan.unit_of_row(l), r);
  const int rank = plan.outputs().rank(r), j = plan.outputs().parameter(r);
  return j < plan.parameters() ? j * plan.variables() + rank : -1;
}

/// f(index in theta, dense row, dense column, whether of the skip connection) for every weight.
template <class F> void visit_dense_weights(const network_plan& plan, int l, F&& f) {
  const layer_plan& layer = plan.layer(l);
  const bool skip = l == plan.hidden_layers();
  const auto visit = [&](const staircase& s, auto&& column, bool of_skip) {
    for (int r = 0; r < s.rows(); ++r)
      for (int k = 0; k < s.limit(r); ++k)
        f(s.index(r, k), dense_row(plan, l, r), column(k), of_skip);
  };
  visit(
      layer.context, [](int k) { return k; }, skip);
  visit(
      layer.inputs, [&](int k) { return plan.context() + k; }, skip);
  visit(
      layer.units, [&](int k) { return dense_row(plan, l - 1, k); }, false);
}

/// Matrices of the right shapes, zero, with their masks.
template <class T> dense_network<T> empty_dense_network(const network_plan& plan) {
  const auto make = [](int rows, int cols) {
    dense_layer<T> layer{rows, cols, {}, {}, {}};
    layer.weight.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols));
    layer.mask.resize(layer.weight.size());
    return layer;
  };
  const int sources = plan.context() + plan.inputs();
  dense_network<T> dense;
  for (int l = 0; l <= plan.hidden_layers(); ++l) {
    const int rows =
        l < plan.hidden_layers() ? plan.layer(l).rows : plan.variables() * plan.parameters();
    dense.layers.push_back(make(rows, l > 0 ? plan.layer(l - 1).rows : sources));
    dense.layers.back().bias.resize(static_cast<std::size_t>(rows));
  }
  if (plan.skip()) dense.skip = make(plan.variables() * plan.parameters(), sources);
  for (int l = 0; l <= plan.hidden_layers(); ++l)
    visit_dense_weights(plan, l, [&](std::ptrdiff_t, int row, int col, bool of_skip) {
      dense_layer<T>& to = of_skip ? *dense.skip : at(dense.layers, l);
      at(to.mask, row * to.cols + col) = 1;
    });
  return dense;
}

inline void expect_shape(const char* what, int expected_rows, int expected_cols, int rows,
                         int cols) {
  if (rows == expected_rows && cols == expected_cols) return;
  throw std::invalid_argument(std::string("import: expected ") + what + " of shape (" +
                              std::to_string(expected_rows) + ", " + std::to_string(expected_cols) +
                              "), got (" + std::to_string(rows) + ", " + std::to_string(cols) +
                              ")");
}

template <class T>
void expect_same_shape(const dense_network<T>& shape, const dense_network<T>& got) {
  expect_shape("layers", length(shape.layers), 1, length(got.layers), 1);
  expect_shape("skip connections", shape.skip ? 1 : 0, 1, got.skip ? 1 : 0, 1);
  const auto compare = [](const dense_layer<T>& a, const dense_layer<T>& b) {
    expect_shape("a weight", a.rows, a.cols, b.rows, b.cols);
    expect_shape("weight entries", length(a.weight), 1, length(b.weight), 1);
    expect_shape("biases", length(a.bias), 1, length(b.bias), 1);
  };
  for (int l = 0; l < length(shape.layers); ++l) compare(at(shape.layers, l), at(got.layers, l));
  if (shape.skip && got.skip) compare(*shape.skip, *got.skip);
}

/// Copies between theta and dense matrices: copy(entry of theta, entry of a matrix).
template <class Theta, class Dense, class Copy>
void pair_entries(const network_plan& plan, Theta* theta, Dense& dense, Copy&& copy) {
  for (int l = 0; l <= plan.hidden_layers(); ++l) {
    auto& layer = at(dense.layers, l);
    for (int r = 0; r < plan.layer(l).rows; ++r)
      if (const int row = dense_row(plan, l, r); row >= 0)
        copy(theta[plan.layer(l).bias + r], at(layer.bias, row));
    visit_dense_weights(plan, l, [&](std::ptrdiff_t i, int row, int col, bool of_skip) {
      auto& to = of_skip ? *dense.skip : layer;
      copy(theta[i], at(to.weight, row * to.cols + col));
    });
  }
}

} // namespace detail
} // namespace bijou::inline BIJOU_ISA

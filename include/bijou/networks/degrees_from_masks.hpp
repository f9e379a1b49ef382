#pragma once
/// \file
/// Degrees that explain the masks of a network from elsewhere.

#include <bijou/networks/dense_network.hpp>

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// Integer degrees whose masks are those of `net`: inputs and outputs in rank order, columns and
/// rows as dense_network says, with these degrees. The first layer's masks show the degrees of its
/// units (the highest variable that each sees), the last layer's those of the last units (the
/// highest output that does not see it); layers between take the smallest degree that their inputs
/// allow.
/// \throws std::invalid_argument if no degrees give these masks: the network is not autoregressive
/// in this order, or its masks are incomplete
template <class T>
degree_assignment degrees_from_masks(const dense_network<T>& net, int context, int parameters,
                                     const std::vector<int>& of_variables) {
  const auto size = [](int n) { return static_cast<std::size_t>(n); };
  const auto fail = [](const std::string& why) -> void {
    throw std::invalid_argument("masks: no degrees explain them: " + why);
  };
  if (net.layers.size() < 2) fail("expected a hidden layer and an output layer at least");
  for (const auto& l : net.layers)
    if (l.mask.size() != size(l.rows) * size(l.cols) || std::min(l.rows, l.cols) < 1)
      fail("expected a mask of each weight's shape");
  const int variables = net.layers.front().cols - context;
  if (variables < 1 || net.layers.back().rows != variables * parameters)
    fail("expected " + std::to_string(parameters) + " outputs for each variable");
  const auto sees = [&](std::size_t layer, int row, int col) {
    const auto& l = net.layers[layer];
    return l.mask[size(row) * size(l.cols) + size(col)] != 0;
  };

  degree_assignment degrees;
  degrees.context = context;
  if (detail::length(of_variables) != variables)
    fail("expected " + std::to_string(of_variables.size()) + " variables");
  degrees.inputs = degrees.outputs = of_variables;
  const auto highest = [&](int& degree, int variable) {
    degree = std::max(degree, of_variables[size(variable)]);
  };
  const std::size_t hidden = net.layers.size() - 1;
  for (std::size_t l = 0; l < hidden; ++l) {
    std::vector<int> d(size(net.layers[l].rows), 0);
    for (int u = 0; u < net.layers[l].rows; ++u) {
      int& degree = d[size(u)];
      if (l == 0) {
        for (int k = 0; k < variables; ++k)
          if (sees(l, u, context + k)) highest(degree, k);
      } else if (l + 1 == hidden) {
        for (int o = 0; o < variables; ++o)
          if (!sees(hidden, o, u)) highest(degree, o);
      } else {
        for (int k = 0; k < net.layers[l].cols; ++k)
          if (sees(l, u, k)) degree = std::max(degree, degrees.hidden[l - 1][size(k)]);
      }
    }
    degrees.hidden.push_back(std::move(d));
  }

  const network_plan plan(degrees, parameters, net.skip.has_value());
  const dense_network<T> expected = detail::empty_dense_network<T>(plan);
  const auto same = [](const dense_layer<T>& a, const dense_layer<T>& b) {
    return a.rows == b.rows && a.cols == b.cols &&
           std::equal(a.mask.begin(), a.mask.end(), b.mask.begin(), b.mask.end(),
                      [](auto p, auto q) { return (p != 0) == (q != 0); });
  };
  for (std::size_t l = 0; l < net.layers.size(); ++l)
    if (!same(expected.layers[l], net.layers[l]))
      fail("layer " + std::to_string(l) + " is not autoregressive in this order");
  if (net.skip && expected.skip && !same(*expected.skip, *net.skip))
    fail("the skip connection is not autoregressive in this order");
  return degrees;
}
/// The same where every variable has a degree of its own.
template <class T>
degree_assignment degrees_from_masks(const dense_network<T>& net, int context, int parameters) {
  const int columns = net.layers.empty() ? 0 : net.layers.front().cols;
  return degrees_from_masks(net, context, parameters,
                            detail::ranks_from_one(std::max(columns - context, 0)));
}

} // namespace bijou::inline BIJOU_ISA

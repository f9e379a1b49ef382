#pragma once
/// \file
/// Pyro's parameters in bijou: networks and orders as a state_dict has them, and where each of its
/// arrays is found among bijou's named parameters.

#include <bijou/bijou.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "../support/reference.hpp"

namespace bijou::testing {

// --- reading ----------------------------------------------------------------------------------

/// The full name of an array of a state_dict; the cases say before it whether it is a parameter or
/// a buffer, a file that torch saved does not. Empty if there is none.
inline std::string state_name(const reference_case& c, const std::string& name) {
  for (const char* kind : {"param.", "buffer.", ""})
    if (c.contains(kind + name)) return kind + name;
  return {};
}

/// The linear layers under a prefix ("arn.", "nn.") with their masks. Networks without masks, those
/// of couplings, see everything.
template <class T>
dense_network<T> read_network(const reference_case& c, const std::string& prefix) {
  const auto read = [&](const std::string& layer) {
    const reference_array weight = c[state_name(c, layer + "weight")];
    const std::string bias = state_name(c, layer + "bias");
    const std::string mask = state_name(c, layer + "mask");
    dense_layer<T> result;
    result.rows = static_cast<int>(weight.rows());
    result.cols = static_cast<int>(weight.row_size());
    result.weight = weight.as<T>();
    result.mask.assign(weight.values.size(), 1);
    if (!bias.empty()) result.bias = c[bias].as<T>();
    if (!mask.empty()) {
      const reference_array entries = c[mask];
      std::copy(entries.values.begin(), entries.values.end(), result.mask.begin());
    }
    return result;
  };
  dense_network<T> net;
  for (int l = 0;; ++l) {
    const std::string layer = prefix + "layers." + std::to_string(l) + ".";
    if (state_name(c, layer + "weight").empty()) break;
    net.layers.push_back(read(layer));
  }
  const std::string skip = prefix + "skip_layer.";
  if (!state_name(c, skip + "weight").empty()) net.skip = read(skip);
  return net;
}

/// Gives learned word number I the order, masks and weights of an autoregressive network.
template <int I, class Flow>
void install_arn(Flow& q, const reference_case& c, const std::string& prefix) {
  set_network<I>(q, c[state_name(c, prefix + "permutation")].indices(),
                 read_network<typename Flow::value_type>(c, prefix));
}
/// The same for a coupling's network, which has no order.
template <int I, class Flow>
void install_coupling(Flow& q, const reference_case& c, const std::string& prefix) {
  set_network<I>(q, {}, read_network<typename Flow::value_type>(c, prefix));
}

// --- names ------------------------------------------------------------------------------------

/// Where an array of Pyro's lies: its element i is element place(i) of the tensor `ours`.
/// `chain(i)` is the derivative of our element by theirs, for parameters that are not the same
/// number. An array that Pyro keeps but does not use has no `ours`.
struct counterpart {
  std::string ours;
  std::function<std::size_t(std::size_t)> place = [](std::size_t i) { return i; };
  std::function<double(std::size_t)> chain = [](std::size_t) { return 1.0; };
};
using pyro_layout = std::function<counterpart(const std::string&)>;

/// The same arrays under another prefix.
inline pyro_layout renamed(const std::string& theirs, const std::string& ours) {
  return [theirs, ours](const std::string& name) -> counterpart {
    if (!name.starts_with(theirs)) throw std::invalid_argument("no counterpart of " + name);
    return {.ours = ours + name.substr(theirs.size())};
  };
}

/// The parameters of a spline, each of Pyro's arrays (variables, n): rows first .. first + n - 1 of
/// ours, (3 bins - 1, variables), or (4 bins - 1, variables) with the lambdas of order linear.
struct spline_part {
  std::size_t first, n;
};
inline spline_part spline_part_of(std::string_view name, std::size_t bins) {
  if (name.ends_with("widths")) return {0, bins};
  if (name.ends_with("heights")) return {bins, bins};
  if (name.ends_with("derivatives")) return {2 * bins, bins - 1};
  if (name.ends_with("lambdas")) return {3 * bins - 1, bins};
  throw std::invalid_argument("no part of a spline: " + std::string(name));
}

/// Row of an output in bijou (parameter-major) for row r of Pyro's SplineCoupling, whose network
/// gives all widths of the first variable, then of the next, and so on with heights, derivatives
/// and, of order linear, lambdas.
inline std::size_t spline_coupling_row(std::size_t r, std::size_t variables, std::size_t bins) {
  for (const char* name : {"widths", "heights", "derivatives", "lambdas"}) {
    const spline_part part = spline_part_of(name, bins);
    if (r < variables * part.n) return (part.first + r % part.n) * variables + r / part.n;
    r -= variables * part.n;
  }
  throw std::invalid_argument("no such row of a spline coupling's network");
}

/// The values of a tensor by name.
template <class Set> auto& values_of(Set& set, const std::string& name) {
  const auto found = std::find_if(set.values.begin(), set.values.end(),
                                  [&](const auto& tensor) { return tensor.name == name; });
  if (found == set.values.end()) throw std::invalid_argument("no tensor named " + name);
  return found->values;
}

/// The entries of a tensor_set in the order of Pyro's array, times the derivatives by it.
template <class T>
std::vector<double> in_pyro_order(const tensor_set<T>& set, const counterpart& of,
                                  std::size_t count) {
  const auto& values = values_of(set, of.ours);
  std::vector<double> result;
  for (std::size_t i = 0; i < count; ++i)
    result.push_back(of.chain(i) * static_cast<double>(values.at(of.place(i))));
  return result;
}

/// Copies Pyro's parameters to their places, for words without an order.
template <class Flow>
void install_by_name(Flow& q, const reference_case& c, const pyro_layout& layout) {
  tensor_set<typename Flow::value_type> set = named_parameters(q);
  for (const std::string& name : c.names("param.")) {
    const counterpart to = layout(name);
    if (to.ours.empty()) continue;
    const reference_array from = c["param." + name];
    auto& values = values_of(set, to.ours);
    for (std::size_t i = 0; i < from.values.size(); ++i)
      values.at(to.place(i)) = static_cast<typename Flow::value_type>(from.values[i]);
  }
  set_named_parameters(q, set);
}

} // namespace bijou::testing

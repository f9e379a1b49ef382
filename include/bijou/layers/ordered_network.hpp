#pragma once
/// \file
/// A word's network as everybody but its layer sees it: by variables instead of ranks, dense
/// instead of packed, with names instead of offsets.

#include <bijou/layers/index_table.hpp>
#include <bijou/layers/named_tensors.hpp>
#include <bijou/networks/degrees_from_masks.hpp>
#include <bijou/networks/masked_network.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// Moves columns (inputs) and output rows of a dense network between rank order and variable order.
/// `to_variable`: rank r goes to variable order[r]; otherwise back.
template <class T>
dense_network<T> reordered(const dense_network<T>& net, std::span<const int> order, int context,
                           int parameters, bool to_variable) {
  dense_network<T> result = net;
  const std::size_t n = order.size();
  const auto c = static_cast<std::size_t>(context);
  const auto place = [&](std::size_t rank) { return static_cast<std::size_t>(order[rank]); };
  const auto move = [&](std::size_t rank, const auto& copy) {
    if (to_variable)
      copy(rank, place(rank));
    else
      copy(place(rank), rank);
  };
  const auto move_columns = [&](const auto& from, auto& to, std::size_t rows, std::size_t cols) {
    for (std::size_t rank = 0; rank < n; ++rank)
      move(rank, [&](std::size_t source, std::size_t target) {
        for (std::size_t r = 0; r < rows; ++r)
          to[r * cols + c + target] = from[r * cols + c + source];
      });
  };
  const auto move_rows = [&](const auto& from, auto& to, std::size_t cols) {
    for (std::size_t p = 0; p < static_cast<std::size_t>(parameters); ++p)
      for (std::size_t rank = 0; rank < n; ++rank)
        move(rank, [&](std::size_t source, std::size_t target) {
          std::copy_n(from.begin() + static_cast<std::ptrdiff_t>((p * n + source) * cols), cols,
                      to.begin() + static_cast<std::ptrdiff_t>((p * n + target) * cols));
        });
  };
  const auto size = [](int k) { return static_cast<std::size_t>(k); };
  const auto move_input_columns = [&](const dense_layer<T>& from, dense_layer<T>& to) {
    move_columns(from.weight, to.weight, size(from.rows), size(from.cols));
    if (!from.mask.empty()) move_columns(from.mask, to.mask, size(from.rows), size(from.cols));
  };
  const auto move_output_rows = [&](dense_layer<T>& layer) {
    const dense_layer<T> before = layer;
    move_rows(before.weight, layer.weight, size(layer.cols));
    if (!before.mask.empty()) move_rows(before.mask, layer.mask, size(layer.cols));
    if (!before.bias.empty()) move_rows(before.bias, layer.bias, 1);
  };
  move_input_columns(net.layers.front(), result.layers.front());
  move_output_rows(result.layers.back());
  if (net.skip) {
    move_input_columns(*net.skip, *result.skip);
    move_output_rows(*result.skip);
  }
  return result;
}

template <class T>
dense_network<T> by_variable(const dense_network<T>& net, std::span<const int> order, int context,
                             int parameters) {
  return reordered(net, order, context, parameters, true);
}
template <class T>
dense_network<T> by_rank(const dense_network<T>& net, std::span<const int> order, int context,
                         int parameters) {
  return reordered(net, order, context, parameters, false);
}

template <class T>
void save_dense(const dense_network<T>& net, const std::string& prefix, tensor_set<T>& set) {
  for (std::size_t i = 0; i < net.layers.size(); ++i) {
    const auto& l = net.layers[i];
    const std::string name = prefix + "layers." + std::to_string(i);
    const auto rows = static_cast<std::size_t>(l.rows);
    set.add(name + ".weight", {rows, static_cast<std::size_t>(l.cols)}, l.weight);
    set.add(name + ".bias", {rows}, l.bias);
  }
  if (net.skip)
    set.add(prefix + "skip_layer.weight",
            {static_cast<std::size_t>(net.skip->rows), static_cast<std::size_t>(net.skip->cols)},
            net.skip->weight);
}

template <class T>
void load_dense(dense_network<T>& net, const std::string& prefix, const tensor_set<T>& set) {
  for (std::size_t i = 0; i < net.layers.size(); ++i) {
    auto& l = net.layers[i];
    const std::string name = prefix + "layers." + std::to_string(i);
    const auto rows = static_cast<std::size_t>(l.rows);
    l.weight = set.at(name + ".weight", {rows, static_cast<std::size_t>(l.cols)});
    l.bias = set.at(name + ".bias", {rows});
  }
  if (net.skip)
    net.skip->weight =
        set.at(prefix + "skip_layer.weight", {static_cast<std::size_t>(net.skip->rows),
                                              static_cast<std::size_t>(net.skip->cols)});
}

template <class T>
void save_structure(const degree_assignment& degrees, std::span<const int> order,
                    const std::string& prefix, tensor_set<T>& set) {
  set.add_integers(prefix + "order", {order.begin(), order.end()});
  for (std::size_t i = 0; i < degrees.hidden.size(); ++i)
    set.add_integers(prefix + "degrees." + std::to_string(i),
                     {degrees.hidden[i].begin(), degrees.hidden[i].end()});
}

/// Reads order and hidden degrees where the set has them; true if they differ from what was there.
/// \throws std::invalid_argument if they fit no network of this shape
template <class T>
bool load_structure(degree_assignment& degrees, std::span<int> order, const std::string& prefix,
                    const tensor_set<T>& set) {
  bool changed = false;
  const auto take = [&](const std::string& name, std::span<int> target, std::int64_t most) {
    const auto* t = set.find_integers(prefix + name);
    if (!t) return;
    if (t->values.size() != target.size())
      throw std::invalid_argument("load: \"" + t->name + "\": expected " +
                                  std::to_string(target.size()) + " entries, got " +
                                  std::to_string(t->values.size()));
    for (std::size_t i = 0; i < target.size(); ++i) {
      if (t->values[i] < 0 || t->values[i] > most)
        throw std::invalid_argument("load: \"" + t->name + "\": expected entries of 0 to " +
                                    std::to_string(most) + ", got " + std::to_string(t->values[i]));
      changed = changed || target[i] != static_cast<int>(t->values[i]);
      target[i] = static_cast<int>(t->values[i]);
    }
  };
  const auto n = static_cast<std::int64_t>(order.size());
  take("order", order, n - 1);
  for (std::size_t i = 0; i < degrees.hidden.size(); ++i)
    take("degrees." + std::to_string(i), degrees.hidden[i], n);
  check_permutation("load: order", order);
  return changed;
}

} // namespace detail

/// A masked network, and the order in which it meets the word's variables.
///
/// An autoregressive network is `sequential`: its inputs and outputs are variables by rank, and the
/// order belongs to what is saved and imported. The network of a coupling has inputs and outputs of
/// its own numbering, the variables that are read and those that are mapped.
template <class T, int L, class Activation> class ordered_network {
 public:
  using network_type = masked_network<T, L, Activation>;

  ordered_network() = default;
  /// \param order rank -> variable
  ordered_network(degree_assignment degrees, std::span<const int> order, bool sequential,
                  int parameters, bool skip);

  const network_type& network() const { return network_; }
  const degree_assignment& degrees() const { return degrees_; }
  const std::vector<int>& order() const { return order_; }

  /// The network with dense weights, inputs and outputs by variable, hidden units in the order in
  /// which they were given.
  dense_network<T> dense(const T* theta) const;
  void set_dense(const dense_network<T>& net, T* theta) const;
  /// Takes the structure that a network's masks show: the order as given, degrees from the masks.
  /// The parameter count may change. Nothing to be done if it is not sequential. \throws
  /// std::invalid_argument if widths differ or the masks are of no such structure
  void adopt_structure(const std::vector<int>& order, const dense_network<T>& net);
  /// What the network gives for one event: inputs (context, then what it reads), outputs
  /// parameter-major by variable.
  std::vector<T> outputs(const T* theta, std::span<const T> inputs) const;

  void save(const T* theta, const std::string& prefix, tensor_set<T>& set) const;
  /// Likewise of a file, which must come before its weights.
  void load_structure(const std::string& prefix, const tensor_set<T>& set);
  void load(const std::string& prefix, const tensor_set<T>& set, T* theta) const;

 private:
  int context() const { return network_.plan().context(); }
  int parameters() const { return network_.plan().parameters(); }
  void set_structure(std::vector<int> order, degree_assignment degrees);

  degree_assignment degrees_{};
  std::vector<int> order_;
  bool sequential_ = false;
  network_type network_{};
};

// --- definitions ------------------------------------------------------------------------------

template <class T, int L, class Activation>
ordered_network<T, L, Activation>::ordered_network(degree_assignment degrees,
                                                   std::span<const int> order, bool sequential,
                                                   int parameters, bool skip)
    : degrees_(std::move(degrees)), order_(order.begin(), order.end()), sequential_(sequential),
      network_(degrees_, parameters, skip) {}

template <class T, int L, class Activation>
dense_network<T> ordered_network<T, L, Activation>::dense(const T* theta) const {
  dense_network<T> net = network_.export_dense(theta);
  return sequential_ ? detail::by_variable(net, order_, context(), parameters()) : net;
}
template <class T, int L, class Activation>
void ordered_network<T, L, Activation>::set_dense(const dense_network<T>& net, T* theta) const {
  if (sequential_)
    network_.import_dense(detail::by_rank(net, order_, context(), parameters()), theta);
  else
    network_.import_dense(net, theta);
}

template <class T, int L, class Activation>
void ordered_network<T, L, Activation>::set_structure(std::vector<int> order,
                                                      degree_assignment degrees) {
  expect_same_widths(degrees_, degrees);
  network_ = network_type(degrees, parameters(), network_.plan().skip());
  degrees_ = std::move(degrees);
  order_ = std::move(order);
}
template <class T, int L, class Activation>
void ordered_network<T, L, Activation>::adopt_structure(const std::vector<int>& order,
                                                        const dense_network<T>& net) {
  if (!sequential_) return;
  if (order.size() != order_.size())
    throw std::invalid_argument("set_network: expected an order of " +
                                std::to_string(order_.size()) + " variables, got " +
                                std::to_string(order.size()));
  detail::check_permutation("set_network: order", order);
  const dense_network<T> sorted = detail::by_rank(net, order, context(), parameters());
  set_structure(order, degrees_from_masks(sorted, context(), parameters(), degrees_.inputs));
}

template <class T, int L, class Activation>
std::vector<T> ordered_network<T, L, Activation>::outputs(const T* theta,
                                                          std::span<const T> inputs) const {
  const network_plan& plan = network_.plan();
  const auto size = [](int n) { return static_cast<std::size_t>(n); };
  if (inputs.size() != size(context() + plan.inputs()))
    throw std::invalid_argument("network: expected " + std::to_string(context() + plan.inputs()) +
                                " inputs, got " + std::to_string(inputs.size()));
  std::vector<T> hidden(size(network_.hidden_rows())), out(size(network_.out_rows()));
  // Inputs come by variable, and the order says which variable has a rank.
  network_.forward_one({.theta = theta,
                        .context = inputs.data(),
                        .first_bias = nullptr,
                        .x = inputs.data() + context(),
                        .rows = order_.data(),
                        .hidden = hidden.data(),
                        .pre = nullptr,
                        .out = out.data(),
                        .lanes = 1});
  std::vector<T> result(size(parameters() * plan.variables()));
  for (int r = 0; r < plan.variables(); ++r) {
    const int variable = sequential_ ? order_[size(r)] : r;
    for (int p = 0; p < parameters(); ++p)
      result[size(p * plan.variables() + variable)] = out[size(plan.outputs().row(r, p))];
  }
  return result;
}

template <class T, int L, class Activation>
void ordered_network<T, L, Activation>::save(const T* theta, const std::string& prefix,
                                             tensor_set<T>& set) const {
  if (sequential_) detail::save_structure(degrees_, order_, prefix, set);
  detail::save_dense(dense(theta), prefix, set);
}
template <class T, int L, class Activation>
void ordered_network<T, L, Activation>::load_structure(const std::string& prefix,
                                                       const tensor_set<T>& set) {
  if (!sequential_) return;
  degree_assignment degrees = degrees_;
  std::vector<int> order = order_;
  if (detail::load_structure<T>(degrees, order, prefix, set))
    set_structure(std::move(order), std::move(degrees));
}
template <class T, int L, class Activation>
void ordered_network<T, L, Activation>::load(const std::string& prefix, const tensor_set<T>& set,
                                             T* theta) const {
  dense_network<T> net = dense(theta);
  detail::load_dense(net, prefix, set);
  set_dense(net, theta);
}

} // namespace bijou::inline BIJOU_ISA

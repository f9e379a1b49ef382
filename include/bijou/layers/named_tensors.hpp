#pragma once
/// \file
/// Parameters by name, dense and in canonical order: what files hold and importers speak.
///
/// The flat vector of a flow is packed for speed. A tensor_set is the same numbers as another
/// program would write them: weights dense and row-major, variables in the word's own order, output
/// rows parameter-major (row p * D + d is parameter p of variable d), hidden units unsorted.

#include <bijou/layers/index_table.hpp>
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

/// A dense tensor with a name, row-major.
template <class T> struct named_tensor {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<T> values;
};

namespace detail {
inline std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string s = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) s += (i ? ", " : "") + std::to_string(shape[i]);
  return s + (shape.size() == 1 ? ",)" : ")");
}
} // namespace detail

/// All tensors of a flow: numbers of type T, and the integers (orders, degrees) of its structure.
template <class T> struct tensor_set {
  std::vector<named_tensor<T>> values;
  std::vector<named_tensor<std::int64_t>> integers;

  void add(std::string name, std::vector<std::size_t> shape, std::vector<T> v) {
    values.push_back({std::move(name), std::move(shape), std::move(v)});
  }
  void add_integers(std::string name, std::vector<std::int64_t> v) {
    const std::size_t n = v.size();
    integers.push_back({std::move(name), {n}, std::move(v)});
  }
  const named_tensor<std::int64_t>* find_integers(const std::string& name) const {
    return find(integers, name);
  }
  bool has(const std::string& name) const { return find(values, name) != nullptr; }
  /// The values of a tensor that must exist with this shape.
  /// \throws std::invalid_argument naming the tensor, and both shapes if they differ
  const std::vector<T>& at(const std::string& name, const std::vector<std::size_t>& shape) const {
    const named_tensor<T>* t = find(values, name);
    if (!t) throw std::invalid_argument("load: tensor \"" + name + "\" is missing");
    if (t->shape != shape)
      throw std::invalid_argument("load: tensor \"" + name + "\": expected shape " +
                                  detail::shape_text(shape) + ", got " +
                                  detail::shape_text(t->shape));
    return t->values;
  }

 private:
  template <class V>
  static const named_tensor<V>* find(const std::vector<named_tensor<V>>& list,
                                     const std::string& name) {
    const auto it = std::find_if(list.begin(), list.end(),
                                 [&](const named_tensor<V>& t) { return t.name == name; });
    return it == list.end() ? nullptr : &*it;
  }
};

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
} // namespace bijou::inline BIJOU_ISA

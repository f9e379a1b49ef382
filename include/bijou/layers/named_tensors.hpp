#pragma once
/// \file
/// Parameters by name, dense and in canonical order: what files hold and importers speak.
///
/// The flat vector of a flow is packed for speed. A tensor_set is the same numbers as another
/// program would write them: weights dense and row-major, variables in the word's own order, output
/// rows parameter-major (row p * D + d is parameter p of variable d), hidden units unsorted.

#include <bijou/kernels/isa.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
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

} // namespace bijou::inline BIJOU_ISA

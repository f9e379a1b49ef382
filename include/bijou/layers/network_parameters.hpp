#pragma once
/// \file
/// What layers with a network have in common, as parameters, files and imports see them: the place
/// of the network's parameters in the flow's vector, their names, and their dense form.

#include <bijou/layers/ordered_network.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// The network of a layer: part of what layers/layer.hpp asks for.
template <class T, int L, class Activation> class network_parameters {
 public:
  using value_type = T;
  using network_type = masked_network<T, L, Activation>;

  network_parameters() = default;
  /// prefix: what the names of its tensors begin with.
  network_parameters(const char* prefix, ordered_network<T, L, Activation> network)
      : prefix_(prefix), network_(std::move(network)) {}

  const network_type& network() const { return network_.network(); }
  const std::vector<int>& order() const { return network_.order(); }
  const degree_assignment& degrees() const { return network_.degrees(); }

  // --- places

  int parameter_count() const { return network().parameter_count(); }
  int structural_count() const { return network().structural_count(); }
  std::size_t offset() const { return offset_; }
  void set_offset(std::size_t offset, std::size_t folded) {
    offset_ = offset;
    folded_offset_ = folded;
    placed_count_ = static_cast<std::size_t>(parameter_count());
  }
  /// The parameter count when the offset was set.
  std::size_t placed_count() const { return placed_count_; }
  /// Zeros what no connection owns: padding and the corners of panels.
  void clear_corners(T* parameters) const { network().clear_corners(parameters + offset_); }

  // --- by variables, dense and by name: ordered_network

  dense_network<T> dense(const T* parameters) const { return network_.dense(parameters + offset_); }
  void set_dense(const dense_network<T>& net, T* parameters) const {
    network_.set_dense(net, parameters + offset_);
  }
  std::vector<T> network_outputs(const T* parameters, std::span<const T> inputs) const {
    return network_.outputs(parameters + offset_, inputs);
  }
  /// The parameter count may change, offsets go stale.
  void adopt_structure(const std::vector<int>& order, const dense_network<T>& net) {
    network_.adopt_structure(order, net);
  }
  void save(const T* parameters, const std::string& prefix, tensor_set<T>& set) const {
    network_.save(parameters + offset_, prefix + prefix_, set);
  }
  void load_structure(const std::string& prefix, const tensor_set<T>& set) {
    network_.load_structure(prefix + prefix_, set);
  }
  void load(const std::string& prefix, const tensor_set<T>& set, T* parameters) const {
    network_.load(prefix + prefix_, set, parameters + offset_);
  }

 protected:
  /// The network's parameters in a vector laid out as the flow's, and its part of a folded context.
  template <class Number> Number* theta_of(Number* parameters) const {
    return parameters + offset_;
  }
  template <class Number> Number* folded_of(Number* folded) const {
    return folded ? folded + folded_offset_ : nullptr;
  }

 private:
  const char* prefix_ = "";
  ordered_network<T, L, Activation> network_{};
  std::size_t offset_ = 0;
  std::size_t placed_count_ = 0;
  std::size_t folded_offset_ = 0;
};

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// Parameters by name, and the networks of learned words.

#include <bijou/flow/bijector.hpp>
#include <bijou/layers/named_tensors.hpp>
#include <bijou/networks/degrees.hpp>
#include <bijou/networks/dense_network.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// The context's units: given<C> is word 0.
inline constexpr const char* context_mean_name = "layers.0.context.mean";
inline constexpr const char* context_scale_name = "layers.0.context.scale";

template <class Flow>
void save_standardisation(const Flow& f, tensor_set<typename Flow::value_type>& set) {
  if constexpr (Flow::conditional) {
    const auto& units = f.standardisation();
    if (!units.given()) return;
    set.add(context_mean_name, {units.mean().size()}, {units.mean().begin(), units.mean().end()});
    set.add(context_scale_name, {units.scale().size()},
            {units.scale().begin(), units.scale().end()});
  }
}

/// f takes the numbers of the set, or has none if the set has none. Those that an expression says
/// stay, and the set's have to be the same: they may have been rounded to float on the way.
template <class Flow>
void load_standardisation(Flow& f, const tensor_set<typename Flow::value_type>& set) {
  if constexpr (Flow::conditional) {
    using T = typename Flow::value_type;
    constexpr auto C = static_cast<std::size_t>(Flow::context_size);
    context_standardisation<T, Flow::context_size> units;
    const bool there = set.has(context_mean_name) || set.has(context_scale_name);
    if (there)
      units.set("load: tensors of the context", std::span<const T>(set.at(context_mean_name, {C})),
                std::span<const T>(set.at(context_scale_name, {C})));
    if constexpr (!Flow::context_is_standardised_as_written)
      f.set_standardisation(units);
    else if (there && !units.is_near(f.standardisation()))
      throw std::invalid_argument("load: expected the context standardised by " +
                                  f.standardisation().text() + ", as the expression says, got " +
                                  units.text());
  }
}

} // namespace detail

/// All parameters as dense tensors with canonical names (`layers.0.arn.layers.1.weight`: word 0 as
/// written, linear layer 1 of its network), and the integers that say how they are connected.
template <class T, class E> tensor_set<T> named_parameters(const bijector<T, E>& f) {
  tensor_set<T> set;
  f.layers().each_with_word([&](const auto& l, int w) {
    l.save(f.parameters().data(), "layers." + std::to_string(w) + ".", set);
  });
  detail::save_standardisation(f, set);
  return set;
}

/// Takes parameters by name. Orders and hidden degrees are taken over where the set has them, so
/// that the parameter count may change; masked-out weights are dropped. Mean and scale of the
/// context become the set's: a set without them is of a flow whose context is not standardised.
/// \throws std::invalid_argument naming the tensor if one is missing or of another shape, or if
/// degrees fit no network; f is then unchanged
template <class Flow>
void set_named_parameters(Flow& f, const tensor_set<typename Flow::value_type>& set) {
  Flow changed = f;
  const auto prefix = [](int w) { return "layers." + std::to_string(w) + "."; };
  changed.layers().each_with_word([&](auto& l, int w) { l.load_structure(prefix(w), set); });
  changed.restructure();
  changed.layers().each_with_word(
      [&](const auto& l, int w) { l.load(prefix(w), set, changed.parameters().data()); });
  detail::load_standardisation(changed, set);
  f = std::move(changed);
}

/// The network of one learned word: what it computes, and its weights.
template <class Layer> class network_view {
 public:
  using value_type = typename Layer::value_type;

  network_view(const Layer& layer, const value_type* parameters)
      : layer_(&layer), parameters_(parameters) {}

  /// Raw outputs for one event's inputs (context first, as standardised, then the variables):
  /// parameter p of variable d at p * D + d. Allocates.
  std::vector<value_type> operator()(std::span<const value_type> inputs) const {
    return layer_->network_outputs(parameters_, inputs);
  }
  /// Dense weights by variable, hidden units in their original order.
  dense_network<value_type> dense() const { return layer_->dense(parameters_); }
  /// The degree of each hidden unit, and the rest of the structure.
  const degree_assignment& degrees() const { return layer_->degrees(); }
  /// The variable that stands i-th in the order.
  std::vector<int> order() const { return {layer_->order().begin(), layer_->order().end()}; }
  /// Unmasked weights: multiply-adds of one pass.
  long multiply_adds() const { return layer_->network().multiply_adds(); }

 private:
  const Layer* layer_;
  const value_type* parameters_;
};

namespace detail {
/// The layer that the I-th learned word became.
template <class Program, int I> constexpr int learned_layer() {
  int learned = 0;
  for (int w = 0; w < Program::facts::count; ++w)
    if (Program::facts::rules[static_cast<std::size_t>(w)] == rule::learned && learned++ == I)
      return Program::facts::layer_of[static_cast<std::size_t>(w)];
  return -1;
}
} // namespace detail

/// The autoregressive (or coupling) network of the I-th learned word, counted from 0. Refers to f.
template <int I, class T, class E> auto arn(const bijector<T, E>& f) {
  constexpr int layer = detail::learned_layer<typename bijector<T, E>::program_type, I>();
  static_assert(layer >= 0,
                "bijou: arn<I>(f) counts the learned words of f from 0; there are fewer");
  if constexpr (layer >= 0)
    return network_view(f.layers().template layer<layer>(), f.parameters().data());
  else
    return 0;
}
template <int I, class T, class E> auto arn(bijector<T, E>&&) = delete;

/// Gives the I-th learned word the order, structure and weights of a network from elsewhere: dense
/// weights with masks, inputs and outputs by variable, as in named_parameters.
/// \param order the variable that stands i-th in the order (autoregressive words; else ignored)
/// \throws std::invalid_argument if shapes differ or the masks are of no autoregressive structure;
/// f is then unchanged
template <int I, class Flow>
void set_network(Flow& f, const std::vector<int>& order,
                 const dense_network<typename Flow::value_type>& network) {
  Flow changed = f;
  constexpr int index = detail::learned_layer<typename Flow::program_type, I>();
  auto& l = changed.layers().template layer<index>();
  l.adopt_structure(order, network);
  changed.restructure();
  changed.layers().template layer<index>().set_dense(network, changed.parameters().data());
  f = std::move(changed);
}

} // namespace bijou::inline BIJOU_ISA

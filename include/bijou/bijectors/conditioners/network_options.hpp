#pragma once
/// \file
/// Options that words with a network share, and how they are written.

#include <bijou/bijectors/linear/permute.hpp>
#include <bijou/grammar/item.hpp>
#include <bijou/networks/activations.hpp>
#include <bijou/transformers/fixed.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace bijou::inline BIJOU_ISA::detail {

/// Hidden units of a word's network: of its narrowest layer as far as degrees matter, of its
/// widest, and of all.
struct hidden_units {
  int narrowest = std::numeric_limits<int>::max();
  int widest = 0;
  int total = 0;
};
template <class W> constexpr hidden_units units_of() {
  if constexpr (requires { W::units; })
    return W::units;
  else
    return {};
}

/// Initial weights come from the flow's seed ...
struct flow_seed {};
/// ... unless the word was given one of its own.
struct own_seed {
  std::uint64_t value = 0;
};

/// The seed of a word's initial weights: its own, or the one that the flow gives it.
template <class W> std::uint64_t seed_of(const W& w, std::uint64_t from_flow) {
  if constexpr (requires { w.seed_.value; })
    return w.seed_.value;
  else if constexpr (requires { w.inner; })
    return seed_of(w.inner, from_flow);
  else
    return from_flow;
}

// Orders of variables. Options are empty until set, so that a word without options is an empty
// type.
struct natural_order {
  static constexpr int size = 0;
  template <int D> constexpr index_table<D> table() const { return identity_order<D>(); }
  static std::string text() { return ""; }
};
template <int N> struct given_order {
  static constexpr int size = N;
  index_table<N> indices{};
  template <int D> constexpr index_table<D> table() const { return indices; }
  std::string text() const { return ".order(" + order_text(indices) + ")"; }
};
struct dynamic_order {
  static constexpr int size = 0;
  std::vector<int> indices;
  template <int D> index_table<D> table() const { return fitting_order<D>("order", indices); }
  std::string text() const { return ".order(" + order_text(indices) + ")"; }
};

template <int... H> std::string widths_text() {
  std::string s;
  ((s += (s.empty() ? "" : ", ") + std::to_string(H)), ...);
  return s;
}

/// What a user's .activation(a) must be.
template <class A> constexpr void check_activation() {
  constexpr bool is_activation = requires { A::derivative_from_output; };
  static_assert(is_activation, "bijou: activation(a) takes one of activations::relu, tanh, elu, "
                               "silu, ... (networks/activations.hpp)");
}

template <int... H>
inline constexpr bool hidden_widths_above_zero = sizeof...(H) > 0 && ((H > 0) && ...);

/// What a user's coupling<H...>(t) must be.
template <class Tr, int... H> constexpr bool check_network_word() {
  constexpr bool has_widths = hidden_widths_above_zero<H...>;
  static_assert(has_widths, "bijou: a word with a network needs hidden widths above 0: "
                            "coupling<64>(affine), autoregressive<64, 64>(affine)");
  constexpr bool is_transformer = transformer_item<Tr>;
  static_assert(is_transformer,
                "bijou: autoregressive<H...>(t) and coupling<H...>(t) take a transformer, such as "
                "affine or rational_quadratic<8>; a word stands in the pipe by itself");
  static_assert(is_trained<Tr>,
                "bijou: the parameters of t.fixed() are numbers of its own that are not trained: "
                "it stands in the pipe by itself, and a network takes t");
  return has_widths && is_transformer && is_trained<Tr>;
}

template <class Act> std::string activation_text() {
  if constexpr (std::is_same_v<Act, activations::relu_t>)
    return "";
  else
    return ".activation(activations::" + std::string(Act::name) + ")";
}

} // namespace bijou::inline BIJOU_ISA::detail

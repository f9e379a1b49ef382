#pragma once
/// \file
/// Options that all words with a network share, and how they are written.

#include <bijou/networks/activations.hpp>

#include <cstdint>
#include <string>
#include <type_traits>

namespace bijou::inline BIJOU_ISA::detail {

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

template <int... H> std::string widths_text() {
  std::string s;
  ((s += (s.empty() ? "" : ", ") + std::to_string(H)), ...);
  return s;
}

template <class Act> std::string activation_text() {
  if constexpr (std::is_same_v<Act, activations::relu_t>)
    return "";
  else
    return ".activation(activations::" + std::string(Act::name) + ")";
}

} // namespace bijou::inline BIJOU_ISA::detail

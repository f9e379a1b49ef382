#pragma once
/// \file
/// Words that reorder the variables: `flip`, `permute(order)`, `shuffle(seed)`. Log-det 0.
///
/// The convention is y[i] = x[order[i]]. No data moves: when a flow is made, the tables of
/// neighbouring permutations are composed and become row indices of the layers behind them.

#include <bijou/grammar/place.hpp>
#include <bijou/layers/index_table.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// SplitMix64's finaliser (Steele, Lea and Flood, 2014): a constexpr hash for shuffle.
constexpr std::uint64_t mixed_bits(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

} // namespace detail

/// Reverses the order of the variables. Its own inverse.
struct flip_t {
  using bijou_tag = word_tag;
  static constexpr rule what = rule::permutation;
  static constexpr int size = 0;
  static constexpr bool invertible = true;

  template <int D> static constexpr misfit fits(const place<D>&) { return misfit::none; }
  template <int D> static constexpr place<D> after(const place<D>& p) {
    place<D> q = p;
    for (std::size_t i = 0; i < static_cast<std::size_t>(D); ++i)
      q.support[i] = p.support[static_cast<std::size_t>(D) - 1 - i];
    return q;
  }
  template <int D> constexpr detail::index_table<D> order() const {
    detail::index_table<D> o{};
    for (int i = 0; i < D; ++i) o[static_cast<std::size_t>(i)] = D - 1 - i;
    return o;
  }
  std::string text() const { return "flip"; }
  constexpr flip_t turned() const { return {}; }
};
inline constexpr flip_t flip{};

namespace detail {
/// What the permutations with data have in common: rows they exchange must have equal supports,
/// since the compiler does not know which rows those are.
template <int N> struct data_permutation {
  using bijou_tag = word_tag;
  static constexpr rule what = rule::permutation;
  static constexpr int size = N;
  static constexpr bool invertible = true;

  template <int D> static constexpr misfit fits(const place<D>& p) {
    if (N != 0 && N != D) return misfit::size;
    return p.is_uniform() ? misfit::none : misfit::mixed;
  }
  template <int D> static constexpr place<D> after(const place<D>& p) { return p; }
};
} // namespace detail

/// A permutation whose length the type knows.
template <int N> struct permute_t : detail::data_permutation<N> {
  detail::index_table<N> indices{};

  template <int D> constexpr detail::index_table<D> order() const { return indices; }
  std::string text() const { return "permute(" + detail::order_text(indices) + ")"; }
  constexpr permute_t turned() const { return {{}, detail::inverted_order(indices)}; }
};

/// A permutation whose length is checked when the flow is made.
struct dynamic_permute_t : detail::data_permutation<0> {
  std::vector<int> indices;

  template <int D> detail::index_table<D> order() const {
    return detail::fitting_order<D>("permute", indices);
  }
  std::string text() const { return "permute(" + detail::order_text(indices) + ")"; }
  dynamic_permute_t turned() const { return {{}, detail::inverted_order(indices)}; }
};

/// A fixed random permutation: Fisher-Yates, the same for a seed on every machine.
template <bool Back> struct shuffle_t : detail::data_permutation<0> {
  std::uint64_t seed = 0;

  template <int D> constexpr detail::index_table<D> order() const {
    detail::index_table<D> o = detail::identity_order<D>();
    for (std::size_t i = static_cast<std::size_t>(D) - 1; i > 0; --i) {
      const std::size_t j = detail::mixed_bits(seed * 0x9e3779b97f4a7c15U + i) % (i + 1);
      const int held = o[i];
      o[i] = o[j];
      o[j] = held;
    }
    return Back ? detail::inverted_order(o) : o;
  }
  std::string text() const {
    const std::string s = "shuffle(" + std::to_string(seed) + ")";
    return Back ? "inverse(" + s + ")" : s;
  }
  constexpr shuffle_t<!Back> turned() const { return {{}, seed}; }
};

/// y[i] = x[order[i]]; the order's length must be the event size.
/// \throws std::invalid_argument (a compile error in a constexpr expression) if it is no
/// permutation.
template <std::size_t N> constexpr auto permute(const std::array<int, N>& order) {
  detail::check_permutation("permute", order);
  return permute_t<static_cast<int>(N)>{{}, order};
}
/// The same with the indices in braces: `permute({2, 0, 1})`.
template <std::size_t N> constexpr auto permute(const int (&order)[N]) {
  detail::check_permutation("permute", order);
  return permute_t<static_cast<int>(N)>{{}, std::to_array(order)};
}
/// The same for an order known at run time; its length is checked when the flow is made.
inline dynamic_permute_t permute(const std::vector<int>& order) {
  detail::check_permutation("permute", order);
  return {{}, order};
}
/// A random permutation that depends on the seed and the event size alone.
constexpr shuffle_t<false> shuffle(std::uint64_t seed) { return {{}, seed}; }

} // namespace bijou::inline BIJOU_ISA

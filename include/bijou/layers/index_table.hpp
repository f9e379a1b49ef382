#pragma once
/// \file
/// Orders of variables as tables: which variable, or which row of a tile, comes i-th.

#include <bijou/kernels/isa.hpp>

#include <array>
#include <cstddef>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

template <int D> using index_table = std::array<int, static_cast<std::size_t>(D)>;

template <int D> constexpr index_table<D> identity_order() {
  index_table<D> o{};
  for (int i = 0; i < D; ++i) o[static_cast<std::size_t>(i)] = i;
  return o;
}

inline std::invalid_argument no_permutation(const char* who, std::size_t n, int got,
                                            std::size_t at) {
  return std::invalid_argument(std::string(who) + ": expected each of 0 to " +
                               std::to_string(n - 1) + " once, got " + std::to_string(got) +
                               " at position " + std::to_string(at));
}

/// Throws unless the indices are 0 .. n-1 in some order.
template <class Indices> constexpr void check_permutation(const char* who, const Indices& order) {
  const std::size_t n = std::size(order);
  for (std::size_t i = 0; i < n; ++i) {
    bool bad = order[i] < 0 || static_cast<std::size_t>(order[i]) >= n;
    for (std::size_t j = 0; j < i; ++j) bad = bad || order[j] == order[i];
    // In a constant expression a compiler quotes this line.
    if (bad) throw no_permutation(who, n, order[i], i); // bijou: expected each of 0 to n - 1 once
  }
}

/// An order known at run time as a table. Throws unless it has D indices.
template <int D> index_table<D> fitting_order(const char* who, const std::vector<int>& order) {
  if (order.size() != static_cast<std::size_t>(D))
    throw std::invalid_argument(std::string(who) + ": expected an order of " + std::to_string(D) +
                                " indices, got " + std::to_string(order.size()));
  index_table<D> table{};
  for (std::size_t i = 0; i < order.size(); ++i) table[i] = order[i];
  return table;
}

/// The table of the inverse: inverted(order)[order[i]] = i.
template <class Indices> constexpr Indices inverted_order(const Indices& order) {
  Indices back = order;
  for (std::size_t i = 0; i < order.size(); ++i)
    back[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  return back;
}

/// First f, then g, as one table: y[i] = x[f[g[i]]].
template <int D>
constexpr index_table<D> composed(const index_table<D>& f, const index_table<D>& g) {
  index_table<D> both{};
  for (std::size_t i = 0; i < static_cast<std::size_t>(D); ++i)
    both[i] = f[static_cast<std::size_t>(g[i])];
  return both;
}

template <class Indices> std::string order_text(const Indices& order) {
  std::string s = "{";
  for (std::size_t i = 0; i < order.size(); ++i) s += (i ? ", " : "") + std::to_string(order[i]);
  return s + "}";
}

} // namespace detail

} // namespace bijou::inline BIJOU_ISA

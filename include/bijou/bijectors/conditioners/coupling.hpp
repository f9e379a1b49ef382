#pragma once
/// \file
/// Coupling words: half the variables drive a transformer of the other half.
///
/// y_a = x_a, y_b = f(x_b; theta(x_a)); log|det dy/dx| = sum_b log f'(x_b). Both directions run the
/// network the same way. Dinh, Sohl-Dickstein and Bengio 2017 (1605.08803), equations 4 to 6;
/// splines: Durkan et al. 2019 (1906.04032), section 3.

#include <bijou/bijectors/conditioners/network_options.hpp>
#include <bijou/bijectors/inverse.hpp>
#include <bijou/layers/network_layer.hpp>
#include <bijou/transformers/affine.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// The first `kept` variables of the order are read; all others see all of them: a network of two
/// degrees.
struct coupling_conditioner {
  static constexpr bool sequential = false;
  static constexpr const char* prefix = "nn.";
};

struct even_split {
  template <int D> static constexpr int kept() { return D / 2; }
  static std::string text() { return ""; }
};
struct given_split {
  int first;
  template <int D> int kept() const {
    if (first < 1 || first >= D)
      throw std::invalid_argument("coupling: expected a split of 1 to " + std::to_string(D - 1) +
                                  " variables, got " + std::to_string(first));
    return first;
  }
  std::string text() const { return ".split(" + std::to_string(first) + ")"; }
};

/// Kept variables first, then the mapped ones, both in ascending order.
template <std::size_t N> constexpr std::array<int, N> order_of_mask(const std::array<int, N>& m) {
  std::array<int, N> order{};
  std::size_t next = 0;
  for (const bool kept : {true, false})
    for (std::size_t d = 0; d < N; ++d)
      if ((m[d] != 0) == kept) order[next++] = static_cast<int>(d);
  return order;
}
constexpr void check_mask(int kept, int size) {
  if (kept < 1 || kept >= size)
    throw std::invalid_argument("coupling: a mask keeps 1 to " + std::to_string(size - 1) +
                                " variables of " + std::to_string(size) + ", this one " +
                                std::to_string(kept));
}

} // namespace detail

/// The mask whose entry d is bit `bit` of d: with bits 0, 1, 2, ... and their complements a chain
/// of 2 log2 D couplings lets every two variables meet on different sides. Gao, Isaacson
/// and Krause 2020 (2001.05486), section 3; the logarithmic masks of MadNIS.
template <int D> constexpr std::array<int, static_cast<std::size_t>(D)> binary_mask(int bit) {
  std::array<int, static_cast<std::size_t>(D)> mask{};
  for (std::size_t d = 0; d < mask.size(); ++d) mask[d] = static_cast<int>(d >> bit & 1U);
  return mask;
}

/// A coupling word. Options are chained: each returns a word that has it set.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `.split(n)` | the first n variables (of the order) are read and kept | half, rounded down |
/// | `.order(P)` | P[i] is the variable that stands i-th in the order | 0, 1, 2, ... |
/// | `.mask(m)` | variables with m[d] != 0 are read and kept: both of the above | |
/// | `.sigmoid_bias(b)`, `.activation(a)`, `.seed(s)` | as for autoregressive words | |
template <class Tr, class Act, class Order, class Split, class Seed, int... H> struct coupling_t {
  using bijou_tag = word_tag;
  using transformer_type = Tr;
  static constexpr rule what = rule::learned;
  static constexpr int size = Order::size;
  static constexpr bool invertible = true;
  static constexpr detail::hidden_units units{detail::hidden_units{}.narrowest, std::max({H...}),
                                              (H + ...)};
  [[no_unique_address]] Tr transformer;
  [[no_unique_address]] Order order_;
  [[no_unique_address]] Split split_;
  [[no_unique_address]] Seed seed_;

  template <int D> static constexpr misfit fits(const place<D>& p) {
    if (D < 2) return misfit::few;
    if (size != 0 && size != D) return misfit::size;
    return p.is_all(Tr::support) ? misfit::none : misfit::support;
  }
  template <int D> static constexpr place<D> after(const place<D>& p) { return p; }
  template <int D> static constexpr misfit fits_back(const place<D>& p) { return fits(p); }
  template <int D> static constexpr place<D> before(const place<D>& p) { return p; }

  template <class T, int L, int D, int C>
  using layer = network_layer<T, L, D, C, detail::coupling_conditioner, Tr, Act, false, H...>;
  template <class T, int L, int D, int C>
  layer<T, L, D, C> make_layer(const detail::index_table<D>& position) const {
    const int kept = split_.template kept<D>();
    return {transformer, coupling_degrees(kept, D - kept, C, std::array{H...}),
            order_.template table<D>(), position};
  }

  /// The gate's bias: s = sigmoid(z + b). For the gated transformer.
  constexpr auto sigmoid_bias(double b) const {
    return with(transformer.sigmoid_bias(b), Act{}, order_, split_, seed_);
  }
  /// The nonlinearity after each hidden layer, one of `activations::`.
  template <class A> constexpr auto activation(A a) const {
    detail::check_activation<A>();
    return with(transformer, a, order_, split_, seed_);
  }
  /// The first `kept` variables of the order are read and kept; make_flow throws
  /// std::invalid_argument unless 1 <= kept < D.
  constexpr auto split(int kept) const {
    return with(transformer, Act{}, order_, detail::given_split{kept}, seed_);
  }
  /// o[i] is the variable that stands i-th; as many as the event has.
  /// \throws std::invalid_argument (a compile error in a constexpr expression) if it is no
  /// permutation
  template <std::size_t N> constexpr auto order(const std::array<int, N>& o) const {
    detail::check_permutation("order", o);
    return with(transformer, Act{}, detail::given_order<static_cast<int>(N)>{o}, split_, seed_);
  }
  /// The same in braces: `.order({2, 0, 1})`.
  template <std::size_t N> constexpr auto order(const int (&o)[N]) const {
    detail::check_permutation("order",
                              o); // not by way of the other: errors of constants stay short
    return with(transformer, Act{}, detail::given_order<static_cast<int>(N)>{std::to_array(o)},
                split_, seed_);
  }
  /// The same for an order known at run time; its length is checked when the flow is made.
  auto order(const std::vector<int>& o) const {
    detail::check_permutation("order", o);
    return with(transformer, Act{}, detail::dynamic_order{o}, split_, seed_);
  }
  /// Variables with m[d] != 0 are read and kept, the others mapped.
  /// \throws std::invalid_argument (a compile error in a constexpr expression) if all are, or none
  template <std::size_t N> constexpr auto mask(const std::array<int, N>& m) const {
    const int kept = static_cast<int>(N) - static_cast<int>(std::count(m.begin(), m.end(), 0));
    detail::check_mask(kept, static_cast<int>(N));
    return order(detail::order_of_mask(m)).split(kept);
  }
  /// The same in braces: `.mask({1, 0, 1, 0})`.
  template <std::size_t N> constexpr auto mask(const int (&m)[N]) const {
    return mask(std::to_array(m));
  }
  /// Initial weights of a seed of their own, whatever the flow's.
  constexpr auto seed(std::uint64_t s) const {
    return with(transformer, Act{}, order_, split_, detail::own_seed{s});
  }

  /// As it could be written, without seeds.
  std::string text() const {
    return "coupling<" + detail::widths_text<H...>() + ">(" + transformer_text(transformer) + ")" +
           detail::activation_text<Act>() + order_.text() + split_.text();
  }

 private:
  template <class R, class A, class O, class P, class S>
  static constexpr auto with(R r, A, const O& o, const P& p, S s) {
    return coupling_t<R, A, O, P, S, H...>{r, o, p, s};
  }
};

/// Half the variables drive a transformer of the others: `coupling<128>(affine)`. Cost of a sample:
/// one pass over the network, forward as inverse.
template <int... H, class Tr = affine_t> constexpr auto coupling(Tr t = {}) {
  if constexpr (detail::check_network_word<Tr, H...>())
    return coupling_t<Tr, activations::relu_t, detail::natural_order, detail::even_split,
                      detail::flow_seed, H...>{t, {}, {}, {}};
  else
    return detail::refused_t{};
}

} // namespace bijou::inline BIJOU_ISA

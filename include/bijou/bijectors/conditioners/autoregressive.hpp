#pragma once
/// \file
/// Autoregressive words: a transformer driven by a masked network of the variables before it.
///
/// With an order P of the variables, y_{P[i]} = f(x_{P[i]}; theta_i(x_{P[0]}, ..., x_{P[i-1]})),
/// so that the Jacobian is triangular in this order and log|det dy/dx| = sum_i log f'(x_{P[i]}).
///
/// | word | transformer | read as |
/// |---|---|---|
/// | `iaf<H...>` | gated | Kingma et al. 2016 (1606.04934), equations 9 to 11 |
/// | `maf<H...>` | affine | inverse of the above: Papamakarios et al. 2017 (1705.07057) |
/// | `autoregressive<H...>(t)` | any t | Huang et al. 2018 (1804.00779), section 2 |
///
/// Both directions cost one pass over the network: see networks/masked_network.hpp.

#include <bijou/bijectors/conditioners/network_options.hpp>
#include <bijou/bijectors/inverse.hpp>
#include <bijou/layers/network_layer.hpp>
#include <bijou/transformers/affine.hpp>
#include <bijou/transformers/gated.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// Every variable is mapped, from those before it.
struct autoregressive_conditioner {
  static constexpr bool sequential = true;
  static constexpr const char* prefix = "arn.";
};

/// Every variable has a step of its own ...
struct no_groups {
  template <int D> static int together() { return 1; }
  static std::string text() { return ""; }
};
/// ... or neighbours of the order share one.
struct given_groups {
  int count;
  template <int D> int together() const {
    if (count < 1 || count > D)
      throw std::invalid_argument("autoregressive: expected 1 to " + std::to_string(D) +
                                  " groups of variables, got " + std::to_string(count));
    return group_size(D, count);
  }
  std::string text() const { return ".groups(" + std::to_string(count) + ")"; }
};

} // namespace detail

/// An autoregressive word. Options are chained: each returns a word that has it set.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `.sigmoid_bias(b)` | of the gated transformer: s = sigmoid(z + b) | 2 |
/// | `.activation(a)` | one of `activations::` | relu |
/// | `.order(P)` | P[i] is the variable that stands i-th in the order | 0, 1, 2, ... |
/// | `.groups(n)` | n groups of neighbours in the order: each is driven by the groups before it | D
/// | | `.skip()` | direct connections from inputs to outputs | none | | `.seed(s)` | of the initial
/// weights, in place of the flow's | the flow's |
template <class Tr, class Act, class Order, class Groups, class Seed, bool Skip, int... H>
struct autoregressive_t {
  using bijou_tag = word_tag;
  using transformer_type = Tr;
  static constexpr rule what = rule::learned;
  static constexpr int size = Order::size;
  static constexpr bool invertible = true;
  static constexpr bool sweeps = true; ///< one direction goes variable by variable: describe()
  static constexpr detail::hidden_units units{std::min({H...}), std::max({H...}), (H + ...)};
  [[no_unique_address]] Tr transformer;
  [[no_unique_address]] Order order_;
  [[no_unique_address]] Groups groups_;
  [[no_unique_address]] Seed seed_;

  template <int D> static constexpr misfit fits(const place<D>& p) {
    if (size != 0 && size != D) return misfit::size;
    return p.is_all(Tr::support) ? misfit::none : misfit::support;
  }
  template <int D> static constexpr place<D> after(const place<D>& p) { return p; }
  template <int D> static constexpr misfit fits_back(const place<D>& p) { return fits(p); }
  template <int D> static constexpr place<D> before(const place<D>& p) { return p; }

  template <class T, int L, int D, int C>
  using layer = network_layer<T, L, D, C, detail::autoregressive_conditioner, Tr, Act, Skip, H...>;
  /// The layer of this word where variable v of its input lies in row position[v].
  template <class T, int L, int D, int C>
  layer<T, L, D, C> make_layer(const detail::index_table<D>& position) const {
    return {transformer,
            autoregressive_degrees(D, C, std::array{H...}, groups_.template together<D>()),
            order_.template table<D>(), position};
  }

  /// The gate's bias: s = sigmoid(z + b). For the gated transformer.
  constexpr auto sigmoid_bias(double b) const {
    return with(transformer.sigmoid_bias(b), Act{}, order_, groups_, seed_);
  }
  /// The nonlinearity after each hidden layer, one of `activations::`.
  template <class A> constexpr auto activation(A a) const {
    detail::check_activation<A>();
    return with(transformer, a, order_, groups_, seed_);
  }
  /// o[i] is the variable that stands i-th; as many as the event has.
  /// \throws std::invalid_argument (a compile error in a constexpr expression) if it is no
  /// permutation
  template <std::size_t N> constexpr auto order(const std::array<int, N>& o) const {
    detail::check_permutation("order", o);
    return with(transformer, Act{}, detail::given_order<static_cast<int>(N)>{o}, groups_, seed_);
  }
  /// The same in braces: `.order({2, 0, 1})`.
  template <std::size_t N> constexpr auto order(const int (&o)[N]) const {
    detail::check_permutation("order",
                              o); // not by way of the other: errors of constants stay short
    return with(transformer, Act{}, detail::given_order<static_cast<int>(N)>{std::to_array(o)},
                groups_, seed_);
  }
  /// The same for an order known at run time; its length is checked when the flow is made.
  auto order(const std::vector<int>& o) const {
    detail::check_permutation("order", o);
    return with(transformer, Act{}, detail::dynamic_order{o}, groups_, seed_);
  }
  /// Initial weights of a seed of their own, whatever the flow's.
  constexpr auto seed(std::uint64_t s) const {
    return with(transformer, Act{}, order_, groups_, detail::own_seed{s});
  }
  /// Autoregression over n groups of D / n (rounded up) neighbours of the order: variables of a
  /// group are driven by the groups before it and know nothing of each other, so that a sweep has n
  /// steps. Two groups are a coupling that also maps what it reads. make_flow throws
  /// std::invalid_argument unless 1 <= n <= D. (zuko's `passes`.)
  constexpr auto groups(int n) const {
    return with(transformer, Act{}, order_, detail::given_groups{n}, seed_);
  }
  /// Direct connections from inputs to outputs, masked like the rest.
  constexpr auto skip() const {
    return autoregressive_t<Tr, Act, Order, Groups, Seed, true, H...>{transformer, order_, groups_,
                                                                      seed_};
  }

  /// As it could be written, without seeds.
  std::string text() const { return text_as("autoregressive"); }
  /// Written as iaf<...> or maf<...> where it is that, and as autoregressive<...>(t) elsewhere.
  std::string text_as(const std::string& name) const {
    const std::string widths = "<" + detail::widths_text<H...>() + ">";
    const std::string transformer_written = transformer_text(transformer);
    std::string s;
    if (transformer_written == "gated" && name == "autoregressive")
      s = "iaf" + widths;
    else if (name == "maf")
      s = "maf" + widths;
    else
      s = name + widths + "(" + transformer_written + ")";
    return s + detail::activation_text<Act>() + order_.text() + groups_.text() +
           (Skip ? ".skip()" : "");
  }

 private:
  template <class R, class A, class O, class G, class S>
  static constexpr auto with(R r, A, const O& o, G groups, S s) {
    return autoregressive_t<R, A, O, G, S, Skip, H...>{r, o, groups, s};
  }
};

namespace detail {
template <class Tr, int... H>
using plain_autoregressive =
    autoregressive_t<Tr, activations::relu_t, natural_order, no_groups, flow_seed, false, H...>;
}

/// Inverse autoregressive flow: y = s x + (1 - s) m with s = sigmoid(z + 2), (m, z) from a masked
/// network of hidden widths H. Sampling reads the noise, so it is one plain pass.
template <int... H>
  requires(detail::hidden_widths_above_zero<H...>)
inline constexpr detail::plain_autoregressive<gated_t<>, H...> iaf{};

/// Masked autoregressive flow: the inverse of y = exp(s) x + m with a smoothly bounded s. Scoring
/// reads the data, so it is one plain pass.
template <int... H>
  requires(detail::hidden_widths_above_zero<H...>)
inline constexpr inverse_t<detail::plain_autoregressive<affine_t, H...>> maf{};

/// Any transformer driven by a masked network: `autoregressive<64, 64>(rational_quadratic<8>)`.
/// Cost of a sample: one pass over the unmasked weights, forward as inverse.
template <int... H, class Tr = affine_t> constexpr auto autoregressive(Tr t = {}) {
  if constexpr (detail::check_network_word<Tr, H...>())
    return detail::plain_autoregressive<Tr, H...>{t, {}, {}, {}};
  else
    return detail::refused_t{};
}

} // namespace bijou::inline BIJOU_ISA

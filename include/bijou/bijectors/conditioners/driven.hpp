#pragma once
/// \file
/// Words driven by the context alone: a dense network of the context gives each sample the
/// parameters of a map.
///
///     normal<2> | given<3> | driven<64>(affine)          // Normal(m(c), exp(s(c)))
///     normal<4> | given<3> | driven<32, 32>(planar)      // any word that mixes variables
///
/// y = f(x; theta(c)), with f a transformer of each variable or a word of formulas, whose log-det
/// is that of f at theta(c). Where all samples have one context, the network runs once a call; by
/// condition(q, context) once for good.
///
/// Such words are the amortised posteriors of Rezende and Mohamed 2015 (1505.05770), section 4;
/// Pyro's classes Conditional*.

#include <bijou/bijectors/conditioners/network_options.hpp>
#include <bijou/bijectors/linear/permute.hpp>
#include <bijou/bijectors/mixing.hpp>
#include <bijou/layers/driven_mixing_layer.hpp>
#include <bijou/layers/network_layer.hpp>
#include <bijou/transformers/affine.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// Every variable is mapped, and none is read.
struct context_conditioner {
  static constexpr bool sequential = false;
  static constexpr const char* prefix = "nn.";
};

/// What a network can drive: a transformer, or a word of formulas.
template <class F>
concept mixing_item = requires { typename F::map_type; };
/// Whether there is anything to drive: some words of formulas learn nothing.
template <class F> constexpr bool has_parameters() {
  if constexpr (mixing_item<F>)
    return names_parameters<typename F::map_type>;
  else
    return true;
}

/// How a driven word fits a place, what its layer is, and how it is written.
template <class F> struct driven_map;
template <transformer_item Tr> struct driven_map<Tr> {
  static constexpr int size = 0;
  static constexpr bool invertible = true;
  template <int D> static constexpr misfit fits(const place<D>& p) {
    return p.is_all(Tr::support) ? misfit::none : misfit::support;
  }
  template <class T, int L, int D, int C, class Act, int... H>
  using layer = network_layer<T, L, D, C, context_conditioner, Tr, Act, false, H...>;
  template <class Layer, int D, int C, int... H>
  static Layer make(const Tr& transformer, const index_table<D>& position) {
    return {transformer, coupling_degrees(0, D, C, std::array{H...}), identity_order<D>(),
            position};
  }
  static std::string text(const Tr& transformer) { return transformer_text(transformer); }
};
template <mixing_item W> struct driven_map<W> {
  static constexpr int size = W::size;
  static constexpr bool invertible = W::invertible;
  template <int D> static constexpr misfit fits(const place<D>& p) { return W::fits(p); }
  template <class T, int L, int D, int C, class Act, int... H>
  using layer = driven_mixing_layer<T, L, D, C, typename W::map_type, Act, H...>;
  template <class Layer, int D, int C, int... H>
  static Layer make(const W& word, const index_table<D>& position) {
    Layer made(position, word.map);
    if constexpr (W::is_checked) made.check_order(word.text());
    return made;
  }
  static std::string text(const W& word) { return word.text(); }
};

} // namespace detail

/// A word driven by the context. `.activation(a)` and `.seed(s)` as for autoregressive words.
template <class F, class Act, class Seed, int... H> struct driven_t {
  using bijou_tag = word_tag;
  using driven = detail::driven_map<F>;
  static constexpr rule what = rule::learned;
  static constexpr int size = driven::size;
  static constexpr bool invertible = driven::invertible;
  static constexpr const char* inverse_by = [] {
    if constexpr (requires { F::inverse_by; })
      return F::inverse_by;
    else
      return static_cast<const char*>(nullptr);
  }();
  static constexpr detail::hidden_units units{detail::hidden_units{}.narrowest, std::max({H...}),
                                              (H + ...)};
  [[no_unique_address]] F driven_by_context;
  [[no_unique_address]] Seed seed_;

  template <int D> static constexpr misfit fits(const place<D>& p) {
    if (p.context == 0) return misfit::context;
    return driven::fits(p);
  }
  template <int D> static constexpr place<D> after(const place<D>& p) { return p; }
  template <int D>
  static constexpr misfit fits_back(const place<D>& p)
    requires invertible
  {
    return fits(p);
  }
  template <int D>
  static constexpr place<D> before(const place<D>& p)
    requires invertible
  {
    return p;
  }

  template <class T, int L, int D, int C>
  using layer = typename driven::template layer<T, L, D, C, Act, H...>;
  template <class T, int L, int D, int C>
  layer<T, L, D, C> make_layer(const detail::index_table<D>& position) const {
    return driven::template make<layer<T, L, D, C>, D, C, H...>(driven_by_context, position);
  }

  /// The nonlinearity after each hidden layer, one of `activations::`.
  template <class A> constexpr auto activation(A) const {
    detail::check_activation<A>();
    return driven_t<F, A, Seed, H...>{driven_by_context, seed_};
  }
  /// Initial weights of a seed of their own, whatever the flow's.
  constexpr auto seed(std::uint64_t s) const {
    return driven_t<F, Act, detail::own_seed, H...>{driven_by_context, {s}};
  }

  /// As it could be written, without seeds.
  std::string text() const {
    return "driven<" + detail::widths_text<H...>() + ">(" + driven::text(driven_by_context) + ")" +
           detail::activation_text<Act>();
  }
};

/// A transformer of each variable, or a word that mixes variables, by a network of the context
/// alone: `driven<64>(affine)`, `driven<32, 32>(planar)`. Needs a given<C> before it. Cost of a
/// sample: one pass over the network, and the map; of samples that share a context, the map.
template <int... H, class F = affine_t> constexpr auto driven(F f = {}) {
  constexpr bool has_widths = detail::hidden_widths_above_zero<H...>;
  static_assert(has_widths, "bijou: a word with a network needs hidden widths above 0: "
                            "driven<64>(affine), driven<64, 64>(planar)");
  constexpr bool can_be_driven = transformer_item<F> || detail::mixing_item<F>;
  static_assert(can_be_driven,
                "bijou: driven<H...>(f) takes a transformer, such as affine, or a word that mixes "
                "variables, such as planar or mixing(my_map); networks that read the variables see "
                "the context by themselves");
  static_assert(is_trained<F>,
                "bijou: the parameters of t.fixed() are numbers of its own that are not trained: "
                "it stands in the pipe by itself, and a network takes t");
  constexpr bool has_parameters = detail::has_parameters<F>();
  static_assert(has_parameters,
                "bijou: driven<H...>(word) lets a context drive the parameters of a word, and this "
                "word has none: write it by itself");
  if constexpr (has_widths && can_be_driven && is_trained<F> && has_parameters)
    return driven_t<F, activations::relu_t, detail::flow_seed, H...>{f, {}};
  else
    return detail::refused_t{};
}

} // namespace bijou::inline BIJOU_ISA

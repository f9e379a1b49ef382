#pragma once
/// \file
/// `make_flow<T>(expression, seed)` and `make_bijector<T, D>(chain, seed)`: from words to numbers.

#include <bijou/flow/bijector.hpp>
#include <bijou/flow/flow.hpp>
#include <bijou/grammar/pipe.hpp>

#include <cstdint>
#include <string>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

namespace detail {

template <class T>
inline constexpr bool is_scalar = std::is_same_v<T, float> || std::is_same_v<T, double>;

/// Whether the layer that a word becomes differs with the size of the context: no other can read
/// it.
template <class W, class T, int D> constexpr bool reads_context() {
  if constexpr (W::what == rule::learned)
    return !std::is_same_v<typename W::template layer<T, default_lanes<T>, D, 1>,
                           typename W::template layer<T, default_lanes<T>, D, 0>>;
  else
    return false;
}
/// Whether a context, where a list of words has one, is seen by any of them.
template <class T, int D, class... W> constexpr bool context_is_read(types<W...>) {
  return !(false || ... || (W::what == rule::context)) ||
         (false || ... || reads_context<W, T, D>());
}

/// What the layer of a word lacks of that which layer.hpp says.
enum class lack : unsigned char { nothing, member, inverse };
template <class W, class T, int L, int D, int C> constexpr lack layer_lacks() {
  if constexpr (W::what == rule::learned) {
    using layer = typename W::template layer<T, L, D, C>;
    if (!layer_of<layer, T>) return lack::member;
    if (W::invertible && !invertible_layer_of<layer, T>) return lack::inverse;
  }
  return lack::nothing;
}
/// True, or a sentence that says what the layer of a word lacks.
template <class T, int D, class... W> constexpr bool accept_layers(types<W...>) {
  using words = types<W...>;
  [[maybe_unused]] constexpr int L = flow_lanes<T, D, words>::value;
  [[maybe_unused]] constexpr int C = word_facts<words>::context;
  constexpr bool complete = (true && ... && (layer_lacks<W, T, L, D, C>() != lack::member));
  static_assert(complete, "bijou: the layer of a word lacks a member, or has one of another type: "
                          "bijou/layers/layer.hpp lists them (concept layer_of)");
  constexpr bool inverts = (true && ... && (layer_lacks<W, T, L, D, C>() != lack::inverse));
  static_assert(inverts, "bijou: the layer of a word that says `invertible` lacks one of the four "
                         "members that invert: bijou/layers/layer.hpp lists them");
  return complete && inverts;
}

/// Stands where a bijector has no base: D variables with the support the chain asks for.
template <int D, kind K> struct open_end {
  using bijou_tag = base_tag;
  static constexpr auto at = place<D>::all(K);
  static std::string text() { return "make_bijector<" + std::to_string(D) + ">"; }
};

/// Whether words, left to right, fit a place.
template <int D, class... W> constexpr bool fits_all(place<D> p, types<W...>) {
  bool good = true;
  ((good = good && W::fits(p) == misfit::none, p = W::after(p), ++p.words), ...);
  return good;
}
/// The support at the noise end under which a chain fits: the line if it can be.
template <int D, class Words> constexpr kind start_of() {
  for (const kind k : {kind::line, kind::unit, kind::positive, kind::symmetric, kind::interval})
    if (fits_all(place<D>::all(k), Words{})) return k;
  return kind::line;
}

} // namespace detail

/// Adds parameters to an expression, initialised near the identity; every seed gives other ones. T
/// is float or double. Allocates the parameters; the flow is a value to be copied or moved.
/// \throws std::invalid_argument if something known at run time only (the length of a std::vector,
/// the bounds of an interval) does not fit
template <class T, class E> auto make_flow(const E& e, std::uint64_t seed = 0) {
  constexpr bool float_or_double = detail::is_scalar<T>;
  static_assert(float_or_double, "bijou: make_flow<T>(expression) makes flows of float or double");
  constexpr bool has_base = base_item<E> || expression_item<E>;
  static_assert(has_base,
                "bijou: make_flow needs a base, as in normal<8> | word; without one it is "
                "make_bijector<T, D>(word | word)");
  if constexpr (float_or_double && has_base) {
    constexpr bool context_is_read =
        detail::context_is_read<T, place_after<E>::value.size>(words_of<E>{});
    static_assert(context_is_read,
                  "bijou: no word of this flow reads the context of its given<C>: autoregressive "
                  "words (iaf, maf), couplings and driven words do; add one, or take given<C> out");
    if constexpr (detail::accept_layers<T, place_after<E>::value.size>(words_of<E>{}))
      return flow<T, E>(e, seed);
    else
      return 0;
  } else {
    return 0;
  }
}

/// Adds parameters to a chain of words on D variables: a bijector, without a density. The support
/// at its noise end is the one its words ask for, the line if it can be.
/// \throws std::invalid_argument as make_flow does
template <class T, int D, class E> auto make_bijector(const E& e, std::uint64_t seed = 0) {
  constexpr bool float_or_double = detail::is_scalar<T>;
  static_assert(float_or_double,
                "bijou: make_bijector<T, D>(words) makes bijectors of float or double");
  constexpr bool is_chain = word_item<E> || chain_item<E> || transformer_item<E>;
  static_assert(is_chain,
                "bijou: make_bijector<T, D>(word | word) takes words without a base; with "
                "one it is make_flow<T>(base | word)");
  if constexpr (float_or_double && is_chain) {
    using words = words_of<decltype(detail::as_word(e))>;
    using start = detail::open_end<D, detail::start_of<D, words>()>;
    constexpr detail::first_misfit found = detail::find_misfit<start>(words{});
    static_assert(found.expression_has == found.word_wants,
                  "bijou: a word of make_bijector<T, D>(words) has another event size than D");
    constexpr bool context_is_given = found.why != misfit::context;
    static_assert(context_is_given,
                  "bijou: driven<H...>(f) takes its parameters from a context, and there is none: "
                  "write given<C> first, as in given<3> | driven<64>(affine)");
    constexpr bool words_fit =
        found.why == misfit::none || found.why == misfit::size || found.why == misfit::context;
    static_assert(words_fit,
                  "bijou: the words of make_bijector<T, D>(words) do not fit: the domain of one is "
                  "not the support of those before it, it names variables beyond D, or its "
                  "channels do not divide D");
    constexpr bool context_is_read = !words_fit || detail::context_is_read<T, D>(words{});
    static_assert(context_is_read,
                  "bijou: no word of this bijector reads the context of its given<C>: "
                  "autoregressive words (iaf, maf), couplings and driven words do; add one, or "
                  "take given<C> out");
    if constexpr (found.why == misfit::none && detail::accept_layers<T, D>(words{})) {
      const auto whole = start{} | e;
      return bijector<T, std::remove_const_t<decltype(whole)>>(whole, seed);
    } else {
      return 0;
    }
  } else {
    return 0;
  }
}

/// The type of a flow of an expression object, for class members:
/// `flow_for<posterior, float> q = make_flow<float>(posterior);`
template <auto Expression, class T = float>
using flow_for = flow<T, std::remove_cvref_t<decltype(Expression)>>;

} // namespace bijou::inline BIJOU_ISA

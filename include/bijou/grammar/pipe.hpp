#pragma once
/// \file
/// The pipe: `base | word | word`, and the sentences that say why something cannot be piped.
///
/// One operator takes every pair of items and asks all words of the right one itself: a message
/// then holds our sentence and little else. After a mistake the left operand is returned, so that
/// there is one error and no cascade.

#include <bijou/grammar/expression.hpp>

namespace bijou::inline BIJOU_ISA {

/// The word that a transformer stands for in a pipe: free parameters, one set for each variable.
template <transformer_item Tr> struct free_parameters;

namespace detail {

/// What a call returns after it was refused: it fits everywhere, so that there is one error only.
struct refused_t {
  using bijou_tag = word_tag;
  static constexpr rule what = rule::permutation;
  static constexpr int size = 0;
  static constexpr bool invertible = true;
  template <int D> static constexpr misfit fits(const place<D>&) { return misfit::none; }
  template <int D> static constexpr place<D> after(const place<D>& p) { return p; }
};

template <class T> constexpr auto as_word(T t) {
  if constexpr (transformer_item<T>)
    return free_parameters<T>{t};
  else
    return t;
}

/// Why the first word of a right operand that does not fit does not; none if all fit.
struct first_misfit {
  misfit why = misfit::none;
  int expression_has = 0, word_wants = 0; ///< variables, where they differ

  /// Lets a place pass one word. False if it does not fit.
  template <class W, int D> constexpr bool pass(place<D>& p) {
    why = W::fits(p);
    if (why == misfit::none) {
      p = W::after(p);
      ++p.words;
      return true;
    }
    if (why == misfit::size) {
      expression_has = D;
      word_wants = W::size;
    }
    return false;
  }
};

template <class L, class... W> constexpr first_misfit find_misfit(types<W...>) {
  first_misfit found;
  if constexpr (base_item<L> || expression_item<L>) {
    auto p = place_after<L>::value;
    (void)(found.pass<W>(p) && ...);
  } else if constexpr ((false || ... || (W::what == rule::context))) {
    found.why = misfit::given;
  }
  return found;
}

/// base | (w | w) is base | w | w: the right operand's words are piped one by one.
template <class L, class R> constexpr auto join(L l, R r) {
  if constexpr (chain_item<R>)
    return then{join(l, r.prefix()), r.last()};
  else
    return then{l, r};
}

} // namespace detail

/// Pipes a sample through one word more, or through a chain of words.
template <grammar_item L, class R> constexpr auto operator|(L l, R r) {
  // Named constants: of these a compiler shows the sentence only, of concepts all requirements.
  constexpr bool is_item = grammar_item<R>;
  static_assert(is_item, "bijou: what stands right of | is no word; wrap a map of your own as "
                         "elementwise(my_map{}), and call words that are functions: "
                         "coupling<64>(affine)");
  constexpr bool has_base = base_item<R> || expression_item<R>;
  static_assert(!has_base, "bijou: a base distribution stands first and only once: "
                           "base | word | word");
  if constexpr (is_item && !has_base) {
    using left = decltype(detail::as_word(l));
    using right = decltype(detail::as_word(r));
    constexpr detail::first_misfit found = detail::find_misfit<left>(words_of<right>{});
    static_assert(found.expression_has == found.word_wants,
                  "bijou: this word has another event size than the expression before it; give "
                  "permute, order and standardise as many entries as the base has dimensions");
    constexpr bool variables_exist = found.why != misfit::few;
    static_assert(variables_exist,
                  "bijou: this word names or needs more variables than the base has; on<rows...> "
                  "counts from 0, and a coupling needs two variables or more");
    constexpr bool channels_are_whole = found.why != misfit::channels;
    static_assert(
        channels_are_whole,
        "bijou: channel_permute<C> takes images of C channels, C numbers a pixel: the base "
        "has a number of variables that C does not divide");
    constexpr bool support_is_domain = found.why != misfit::support;
    static_assert(support_is_domain,
                  "bijou: the domain of this word is not the support of the expression before it; "
                  "put learned words before exp_map or sigmoid_map, name rows with on<rows...>, or "
                  "go back with inverse(...)");
    constexpr bool support_is_uniform = found.why != misfit::mixed;
    static_assert(support_is_uniform,
                  "bijou: permute and shuffle need variables that all have the same support, since "
                  "the compiler does not know their order; flip does, or put them before the words "
                  "on some rows");
    constexpr bool given_is_first = found.why != misfit::given;
    static_assert(given_is_first,
                  "bijou: given<C> stands right after the base (or first in a chain), and once");
    constexpr bool context_is_given = found.why != misfit::context;
    static_assert(context_is_given,
                  "bijou: driven<H...>(f) takes its parameters from a context, and there is none: "
                  "write given<C> after the base, as in normal<2> | given<3> | driven<64>(affine)");
    if constexpr (found.why == misfit::none)
      return detail::join(detail::as_word(l), detail::as_word(r));
    else
      return l;
  } else {
    return l;
  }
}

} // namespace bijou::inline BIJOU_ISA

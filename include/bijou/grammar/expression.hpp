#pragma once
/// \file
/// Expressions as values: `then<Prefix, Word>` nests to the left and stores only what has data.
///
/// Each `|` makes one new type from two, so that a chain of N words costs N instantiations.
/// The nest is flattened once, by whoever makes a flow of it: `words_of<E>`.

#include <bijou/grammar/place.hpp>

#include <type_traits>

namespace bijou::inline BIJOU_ISA {

namespace detail {
/// Storage of one part of an expression: nothing at all for an empty type.
template <int I, class T, bool = std::is_empty_v<T>> struct slot {
  T value{};
  constexpr slot() = default;
  constexpr slot(T v) : value(v) {}
  constexpr const T& get() const { return value; }
};
template <int I, class T> struct slot<I, T, true> {
  constexpr slot() = default;
  constexpr slot(T) {}
  constexpr T get() const { return {}; }
};

template <class P, class Tag = tag_of<P>> struct tag_after_impl {
  using type = chain_tag;
};
template <class P> struct tag_after_impl<P, base_tag> {
  using type = expression_tag;
};
template <class P> struct tag_after_impl<P, expression_tag> {
  using type = expression_tag;
};
} // namespace detail

/// A base, word or expression, and then one word more. Empty if both parts are.
template <class Prefix, word_item Word>
struct then : detail::slot<0, Prefix>, detail::slot<1, Word> {
  using bijou_tag = typename detail::tag_after_impl<Prefix>::type;
  using word_type = Word;

  constexpr then() = default;
  constexpr then(Prefix p, Word w) : detail::slot<0, Prefix>(p), detail::slot<1, Word>(w) {}
  constexpr Prefix prefix() const { return detail::slot<0, Prefix>::get(); }
  constexpr Word last() const { return detail::slot<1, Word>::get(); }
};

// --- walking an expression -----------------------------------------------------------------------

namespace detail {
template <class E, class... Done> struct flatten;
template <class E, class... Done>
  requires(base_item<E>)
struct flatten<E, Done...> {
  using base_type = E;
  using type = types<Done...>;
};
template <word_item E, class... Done> struct flatten<E, Done...> {
  using base_type = void;
  using type = types<E, Done...>;
};
template <class P, class W, class... Done>
struct flatten<then<P, W>, Done...> : flatten<P, W, Done...> {};
} // namespace detail

/// The words of an expression or chain, left to right, as `types<...>`.
template <class E> using words_of = typename detail::flatten<E>::type;
/// Its base, or void.
template <class E> using base_of = typename detail::flatten<E>::base_type;

/// That base with its options.
template <class E> constexpr auto base_value(const E& e) {
  if constexpr (base_item<E>)
    return e;
  else
    return base_value(e.prefix());
}

/// Calls f(word) for each word from left to right.
template <class E, class F> constexpr void for_each_word(const E& e, F&& f) {
  if constexpr (word_item<E>) {
    f(e);
  } else if constexpr (!base_item<E>) {
    for_each_word(e.prefix(), f);
    f(e.last());
  }
}

/// The place after an expression: computed once for each prefix.
template <class E> struct place_after;
template <base_item B> struct place_after<B> {
  static constexpr auto value = B::at;
};
template <class P, class W>
  requires expression_item<then<P, W>>
struct place_after<then<P, W>> {
  static constexpr auto value = [] {
    auto p = W::after(place_after<P>::value);
    ++p.words;
    return p;
  }();
};

} // namespace bijou::inline BIJOU_ISA

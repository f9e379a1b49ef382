#pragma once
/// \file
/// The pipe: `base | word | word`, and the sentences that say why something cannot be piped.
///
/// One operator takes every pair of items and judges it. A verdict is one enumerator, so that the
/// compiler's message holds our sentence and little else; after a mistake the left operand is
/// returned, so that there is one error and no cascade.

#include <bijou/grammar/expression.hpp>

namespace bijou::inline BIJOU_ISA {

/// The word that a transformer stands for in a pipe: free parameters, one set for each variable.
template <transformer_item Tr> struct free_parameters;

namespace detail {

enum class verdict : unsigned char { fine, no_item, base_on_the_right, size, support, given, few };

template <class T> constexpr auto as_word(T t) {
  if constexpr (transformer_item<T>)
    return free_parameters<T>{t};
  else
    return t;
}

template <class W, int D> constexpr verdict verdict_at(const place<D>& p) {
  switch (W::fits(p)) {
  case misfit::size:
    return verdict::size;
  case misfit::support:
    return verdict::support;
  case misfit::given:
    return verdict::given;
  case misfit::few:
    return verdict::few;
  case misfit::none:
    break;
  }
  return verdict::fine;
}

template <class L, class W> constexpr verdict judge_word() {
  if constexpr (base<L> || expression<L>)
    return verdict_at<W>(place_after<L>::value);
  else
    return W::what == rule::context ? verdict::given : verdict::fine;
}

/// The sizes a message should show: what the expression has, what the word wants.
template <class L, class W> constexpr int size_of_left() {
  if constexpr (base<L> || expression<L>)
    return place_after<L>::value.size;
  else
    return W::size;
}

/// Pipes one word that is known to be an item.
template <class L, word W> constexpr auto append(L l, W w) {
  constexpr verdict why = judge_word<L, W>();
  constexpr int expression_has = size_of_left<L, W>();
  if constexpr (why == verdict::size)
    static_assert(expression_has == W::size,
                  "bijou: this word has another event size than the expression before it; give "
                  "permute, order and standardise as many entries as the base has dimensions");
  static_assert(why != verdict::few,
                "bijou: this word names or needs more variables than the base has; on<rows...> "
                "counts from 0, and a coupling needs two variables or more");
  static_assert(why != verdict::support,
                "bijou: the domain of this word is not the support of the expression before it; "
                "put learned words before exp_map or sigmoid_map, name rows with on<rows...>, or "
                "go back with inverse(...)");
  static_assert(why != verdict::given,
                "bijou: given<C> stands right after the base (or first in a chain), and once");
  if constexpr (why == verdict::fine)
    return then<L, W>{l, w};
  else
    return l;
}

/// base | (w | w) is base | w | w: the right operand's words are piped one by one.
template <class L, class R> constexpr auto join(L l, R r) {
  if constexpr (chain<R>)
    return append(join(l, r.prefix()), r.last());
  else
    return append(l, r);
}

} // namespace detail

/// Pipes a sample through one word more, or through a chain of words.
template <item L, class R> constexpr auto operator|(L l, R r) {
  static_assert(item<R>, "bijou: what stands right of | is no word; wrap a map of your own as "
                         "elementwise(my_map{}), and give iaf its width: iaf<64>");
  if constexpr (item<R>) {
    static_assert(!base<R> && !expression<R>, "bijou: a base distribution stands first and only "
                                              "once: base | word | word");
    if constexpr (base<R> || expression<R>)
      return l;
    else
      return detail::join(detail::as_word(l), detail::as_word(r));
  } else {
    return l;
  }
}

} // namespace bijou::inline BIJOU_ISA

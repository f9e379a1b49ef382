#pragma once
/// \file
/// `inverse(...)`: turns a word or a chain round.
///
/// inverse(inverse(f)) is f, and inverse(f | g) is inverse(g) | inverse(f), as types.

#include <bijou/bijectors/conditioners/network_options.hpp>
#include <bijou/bijectors/elementwise.hpp>
#include <bijou/bijectors/on.hpp>
#include <bijou/grammar/pipe.hpp>
#include <bijou/layers/layer.hpp>

#include <string>

namespace bijou::inline BIJOU_ISA {

/// A learned word turned round. Its options can still be set: `maf<64>.skip()`.
template <word_item W> struct inverse_t {
  using bijou_tag = word_tag;
  static constexpr rule what = W::what;
  static constexpr int size = W::size;
  static constexpr bool invertible = true;
  static constexpr detail::hidden_units units = detail::units_of<W>();
  [[no_unique_address]] W inner;

  template <int D> static constexpr misfit fits(const place<D>& p) { return W::fits_back(p); }
  template <int D> static constexpr place<D> after(const place<D>& p) { return W::before(p); }
  template <int D> static constexpr misfit fits_back(const place<D>& p) { return W::fits(p); }
  template <int D> static constexpr place<D> before(const place<D>& p) { return W::after(p); }

  template <class T, int L, int D, int C>
  using layer = inverted<typename W::template layer<T, L, D, C>>;
  template <class T, int L, int D, int C, class Position>
  layer<T, L, D, C> make_layer(const Position& position) const {
    return {inner.template make_layer<T, L, D, C>(position)};
  }
  std::string text() const {
    if constexpr (requires { inner.text_as("maf"); })
      if (transformer_text(inner.transformer) == "affine") return inner.text_as("maf");
    return "inverse(" + inner.text() + ")";
  }

  template <class... A> constexpr auto sigmoid_bias(A... a) const {
    return turn(inner.sigmoid_bias(a...));
  }
  template <class A> constexpr auto activation(A a) const { return turn(inner.activation(a)); }
  template <class A> constexpr auto order(const A& a) const { return turn(inner.order(a)); }
  template <std::size_t N> constexpr auto order(const int (&a)[N]) const {
    return turn(inner.order(a));
  }
  constexpr auto seed(std::uint64_t s) const { return turn(inner.seed(s)); }
  constexpr auto groups(int n) const { return turn(inner.groups(n)); }
  constexpr auto skip() const { return turn(inner.skip()); }

 private:
  template <class V> static constexpr inverse_t<V> turn(V v) { return {v}; }
};

/// An elementwise word turned round.
template <word_item W> struct inverse_elementwise {
  using bijou_tag = word_tag;
  using op_type = inverse_transformer<typename W::op_type>;
  static constexpr rule what = rule::elementwise;
  static constexpr int size = W::size;
  static constexpr bool invertible = true;
  static constexpr kind domain = W::image;
  static constexpr kind image = W::domain;
  [[no_unique_address]] W inner;

  template <int D> static constexpr misfit fits(const place<D>& p) { return W::fits_back(p); }
  template <int D> static constexpr place<D> after(const place<D>& p) { return W::before(p); }
  template <int D> static constexpr misfit fits_back(const place<D>& p) { return W::fits(p); }
  template <int D> static constexpr place<D> before(const place<D>& p) { return W::after(p); }
  static constexpr bool selects(int row) { return W::selects(row); }
  constexpr op_type op() const { return {inner.op()}; }
  std::string text() const { return "inverse(" + inner.text() + ")"; }
};

namespace detail {

template <class E> struct all_invertible;
template <class... W> struct all_invertible<types<W...>> {
  static constexpr bool value = (true && ... && W::invertible);
};

template <word_item W> constexpr auto turned(const W& w) {
  if constexpr (W::what == rule::permutation)
    return w.turned();
  else if constexpr (W::what == rule::elementwise)
    return inverse_elementwise<W>{w};
  else
    return inverse_t<W>{w};
}
template <word_item W> constexpr W turned(const inverse_t<W>& w) { return w.inner; }
template <word_item W> constexpr W turned(const inverse_elementwise<W>& w) { return w.inner; }
template <word_item W, int... Rows> constexpr auto turned(const on_t<W, Rows...>& w) {
  using inner = decltype(turned(w.inner));
  return on_t<inner, Rows...>{turned(w.inner)};
}
/// inverse(f | g) = inverse(g) | inverse(f), from the last word to the first.
template <class P, class W> constexpr auto turned(const then<P, W>& c) {
  return turned(c.last()) | turned(c.prefix());
}

} // namespace detail

/// Turns a word or a chain of words round: its forward map becomes its inverse.
template <grammar_item E> constexpr auto inverse(E e) {
  static_assert(!base_item<E> && !expression_item<E>,
                "bijou: inverse() turns words round; a base distribution has no inverse");
  if constexpr (base_item<E> || expression_item<E>) {
    return detail::refused_t{};
  } else {
    using word_or_chain = decltype(detail::as_word(e));
    constexpr bool has_inverse = detail::all_invertible<words_of<word_or_chain>>::value;
    static_assert(has_inverse,
                  "bijou: this word has no inverse, as a mixing(map) without map.inverse, or is "
                  "given<C>, which stands outside inverse(...)");
    if constexpr (has_inverse)
      return detail::turned(detail::as_word(e));
    else
      return detail::refused_t{};
  }
}

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// The normal form: what remains of an expression before any layer is made.
///
/// | rule | before | after |
/// |---|---|---|
/// | permutations group | `permute(a) \| permute(b)` | one table |
/// | two flips cancel | `flip \| flip` | nothing |
/// | a permutation moves into the next learned word | `flip \| iaf<64>` | `ordered<iaf, flip>` |
/// | ... and on towards the data, where one row table is left | `iaf<64> \| flip` | `rows<flip>` |
/// | elementwise words fuse, also across permutations | `exp_map \| affine` | `fused<...>` |
/// | inverses cancel and distribute (when written) | `inverse(inverse(f))` | `f` |
///
/// A permutation is never carried out: with y = f(Px), the rows of x are read in another order, and
/// the same order holds for all that follows.

#include <bijou/grammar/item.hpp>

namespace bijou::inline BIJOU_ISA {

struct flip_t; // bijectors/linear/permute.hpp

/// A learned word that reads its rows through the permutations before it.
template <class W, class... Permutations> struct ordered {};
/// Elementwise words, one loop over each row.
template <class... W> struct fused {};
/// What is left of the permutations at the data end: one table of rows.
template <class... Permutations> struct rows {};

namespace detail {

template <class Steps, class Permutations> struct normal_state {};

/// A permutation joins those before it; two flips in a row are none.
template <class Done, class P> struct join_permutation;
template <class... P, class Q> struct join_permutation<types<P...>, Q> {
  using type = types<P..., Q>;
};
template <class Done, class Next> struct cancel_flips;
template <class... Done> struct cancel_flips<types<Done...>, types<>> {
  using type = types<Done...>;
};
template <class... Done, class... Rest>
struct cancel_flips<types<Done...>, types<flip_t, flip_t, Rest...>>
    : cancel_flips<types<Done...>, types<Rest...>> {};
template <class... Done, class P, class... Rest>
struct cancel_flips<types<Done...>, types<P, Rest...>>
    : cancel_flips<types<Done..., P>, types<Rest...>> {};

template <class Reversed, class W> struct push_step;
template <class... Done, class W> struct push_step<types<Done...>, W> {
  using type = types<W, Done...>;
};
// Newest first, so that fusing looks at one type only.
template <class... V, class... Done, class W>
struct push_step<types<fused<V...>, Done...>, fused<W>> {
  using type = types<fused<V..., W>, Done...>;
};

template <class Permutations> struct ordered_by;
template <class... P> struct ordered_by<types<P...>> {
  template <class W> using type = ordered<W, P...>;
  using rows_type = rows<P...>;
  static constexpr bool none = sizeof...(P) == 0;
};

template <class Steps, class Permutations, class W>
constexpr auto operator+(normal_state<Steps, Permutations>, types<W>) {
  if constexpr (W::what == rule::permutation) {
    using joined = typename join_permutation<Permutations, W>::type;
    return normal_state<Steps, typename cancel_flips<types<>, joined>::type>{};
  } else if constexpr (W::what == rule::elementwise) {
    return normal_state<typename push_step<Steps, fused<W>>::type, Permutations>{};
  } else if constexpr (W::what == rule::learned) {
    using step = typename ordered_by<Permutations>::template type<W>;
    return normal_state<typename push_step<Steps, step>::type, Permutations>{};
  } else {
    return normal_state<Steps, Permutations>{};
  }
}

template <class Done, class Left> struct reversed_types;
template <class... Done> struct reversed_types<types<Done...>, types<>> {
  using type = types<Done...>;
};
template <class... Done, class S, class... Left>
struct reversed_types<types<Done...>, types<S, Left...>>
    : reversed_types<types<S, Done...>, types<Left...>> {};

template <class Steps, class Permutations>
constexpr auto finished(normal_state<Steps, Permutations>) {
  if constexpr (ordered_by<Permutations>::none)
    return typename reversed_types<types<>, Steps>::type{};
  else
    return typename reversed_types<
        types<>,
        typename push_step<Steps, typename ordered_by<Permutations>::rows_type>::type>::type{};
}

template <class Words> struct normal_form_impl;
template <class... W> struct normal_form_impl<types<W...>> {
  using type = decltype(finished((normal_state<types<>, types<>>{} + ... + types<W>{})));
};

} // namespace detail

/// The steps of a list of words, in the order in which a sample meets them.
template <class Words> using normal_form = typename detail::normal_form_impl<Words>::type;

} // namespace bijou::inline BIJOU_ISA

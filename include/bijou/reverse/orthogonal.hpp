#pragma once
/// \file
/// Orthogonal maps of constants, a primitive of reverse mode by scope (number.hpp): y = Q x. The
/// inverse is the transpose, and so is the adjoint.
///
/// A Transform is an empty struct that knows Q as an algorithm, with
///
/// | member | what |
/// |---|---|
/// | `forward<D>(x, y)` | y = Q x of D packs each, which lie apart |
/// | `back<D>(y, x)` | x = Q^T y |

#include <bijou/reverse/results.hpp>

#include <cstddef>
#include <type_traits>

namespace bijou::inline BIJOU_ISA::reverse_mode {

namespace detail {

template <class Transform, bool Back, int D, class X> struct orthogonal_product {
  using P = typename X::pack;
  using value_type = typename P::value_type;
  static constexpr int size = D;
  static constexpr bool is_active = X::is_active;
  X x;

  BIJOU_INLINE void evaluate(P* y) const {
    P given[static_cast<std::size_t>(D)];
    for_each_variable<D>([&](int d) __attribute__((always_inline)) { given[d] = x.value(d); });
    apply<Back>(given, y);
  }
  BIJOU_INLINE void pull_back(const P* g, const P*) const {
    P to[static_cast<std::size_t>(D)];
    apply<!Back>(g, to);
    for_each_variable<D>([&](int d) __attribute__((always_inline)) { x.add(d, to[d]); });
  }

 private:
  template <bool Turned> BIJOU_INLINE static void apply(const P* from, P* to) {
    if constexpr (Turned)
      Transform::template back<D>(from, to);
    else
      Transform::template forward<D>(from, to);
  }
};

} // namespace detail

/// Q x. Cost: that of the transform; of its reverse sweep, the same.
template <class Transform, operand X> BIJOU_INLINE auto turn(X&& x) {
  using vector = std::remove_cvref_t<X>;
  static_assert(detail::named<X>, BIJOU_NEEDS_NAME);
  return detail::vector_made_by(
      detail::orthogonal_product<Transform, false, vector::size, decltype(x.view())>{x.view()});
}
/// Q^T x.
template <class Transform, operand X> BIJOU_INLINE auto turn_back(X&& x) {
  using vector = std::remove_cvref_t<X>;
  static_assert(detail::named<X>, BIJOU_NEEDS_NAME);
  return detail::vector_made_by(
      detail::orthogonal_product<Transform, true, vector::size, decltype(x.view())>{x.view()});
}

} // namespace bijou::inline BIJOU_ISA::reverse_mode

#pragma once
/// \file
/// Products with matrices of which every entry counts, primitives of reverse mode by scope
/// (number.hpp): y = M v and y = M^T v. Sums run over v in ascending order, each term with one
/// fused multiply-add.

#include <bijou/reverse/matrix.hpp>

#include <cstddef>
#include <type_traits>

namespace bijou::inline BIJOU_ISA::reverse_mode {

namespace detail {

/// M v, or M^T v. The cotangent of v is M^T g, or M g; that of M is g v^T, or v g^T.
template <bool Transposed, class M, class V> struct dense_product {
  using value_type = typename M::value_type;
  using P = simd::pack<value_type>;
  static constexpr int size = Transposed ? M::columns : M::rows;
  static constexpr int given = Transposed ? M::rows : M::columns;
  static constexpr bool is_active = M::is_active || V::is_active;
  M m;
  V v;

  BIJOU_INLINE void evaluate(P* y) const {
    P x[static_cast<std::size_t>(given)];
    for_each_variable<given>([&](int d) __attribute__((always_inline)) { x[d] = v.value(d); });
    for (int i = 0; i < size; ++i) {
      P sum(value_type(0));
      for (int j = 0; j < given; ++j) sum = fma(entry(i, j), x[j], sum);
      y[i] = sum;
    }
  }
  BIJOU_INLINE void pull_back(const P* g, const P*) const {
    if constexpr (V::is_active)
      for (int j = 0; j < given; ++j) {
        P sum(value_type(0));
        for (int i = 0; i < size; ++i) sum = fma(entry(i, j), g[i], sum);
        v.add(j, sum);
      }
    if constexpr (M::is_active) {
      P x[static_cast<std::size_t>(given)];
      for_each_variable<given>([&](int d) __attribute__((always_inline)) { x[d] = v.value(d); });
      const P *const by_row = Transposed ? x : g, *const by_column = Transposed ? g : x;
      for (int r = 0; r < M::rows; ++r) {
        const P left = by_row[r];
        m.add_each(
            r * M::columns, M::columns, [&](int c, P start) __attribute__((always_inline)) {
              return fma(left, by_column[c], start);
            });
      }
    }
  }

 private:
  BIJOU_INLINE P entry(int i, int j) const {
    return m.value(Transposed ? j * M::columns + i : i * M::columns + j);
  }
};

template <bool Transposed, class M, class V>
BIJOU_INLINE auto make_dense_product(const M& m, V& v) {
  constexpr bool fits = (Transposed ? M::rows : M::columns) == size_of<std::remove_cv_t<V>>();
  static_assert(fits,
                "bijou: a product takes a matrix of R x C entries and a vector of C variables, "
                "of R for the transposed one");
  using T = typename M::value_type;
  return vector_made_by(dense_product<Transposed, decltype(m.entries()), decltype(view_of<T>(v))>{
      m.entries(), view_of<T>(v)});
}

} // namespace detail

/// M v. Cost: R C multiply-adds; of its reverse sweep, twice that.
template <detail::matrix_operand M, class V> BIJOU_INLINE auto multiply(const M& m, V&& v) {
  static_assert(detail::named<V>, BIJOU_NEEDS_NAME);
  return detail::make_dense_product<false>(m, v);
}
/// M^T v, at the same cost.
template <detail::matrix_operand M, class V>
BIJOU_INLINE auto multiply_transposed(const M& m, V&& v) {
  static_assert(detail::named<V>, BIJOU_NEEDS_NAME);
  return detail::make_dense_product<true>(m, v);
}

} // namespace bijou::inline BIJOU_ISA::reverse_mode

#pragma once
/// \file
/// Products with triangular matrices and their inverses, primitives of reverse mode by scope
/// (number.hpp): y = M v + b and M y = v.
///
/// M is a D x D matrix of parameters of which one side of the diagonal is read, and a vector in
/// place of its diagonal: words keep the diagonal above 0 by a function of what they learn. A
/// number in the vector's place stands for all of it: 1 makes M unit triangular. Sums run over
/// ascending columns, each term with one fused multiply-add.

#include <bijou/kernels/saturation.hpp>
#include <bijou/reverse/matrix.hpp>

#include <cstddef>
#include <type_traits>

namespace bijou::inline BIJOU_ISA::reverse_mode {

/// Which triangle of a matrix counts.
enum class triangle : unsigned char { lower, upper };

namespace detail {

// --- one row or column, with what lies off the diagonal, times the variables v

/// The columns that row i has: from `first` to before `last`. Column i of the other triangle has
/// these rows.
template <triangle Which, int D> struct off_diagonal {
  int first, last;
  BIJOU_INLINE explicit off_diagonal(int i)
      : first(Which == triangle::lower ? 0 : i + 1), last(Which == triangle::lower ? i : D) {}
};
template <triangle Which>
inline constexpr triangle transposed = Which == triangle::lower ? triangle::upper : triangle::lower;

/// sum + row i of M times v; Minus: sum - row i times v.
template <triangle Which, bool Minus = false, class M, class P>
BIJOU_INLINE P row_times(const M& m, int i, const P* v, P sum) {
  const off_diagonal<Which, M::rows> row(i);
  for (int j = row.first; j < row.last; ++j) {
    const P entry = m.value(i * M::rows + j);
    sum = Minus ? fnma(entry, v[j], sum) : fma(entry, v[j], sum);
  }
  return sum;
}
/// The same with column j of M, towards the diagonal: where a substitution finds one variable after
/// another, that of the last is known last, and only one multiply-add waits for it.
template <triangle Which, bool Minus = false, class M, class P>
BIJOU_INLINE P column_times(const M& m, int j, const P* v, P sum) {
  const off_diagonal<transposed<Which>, M::rows> column(j);
  const int count = column.last - column.first;
  for (int n = 0; n < count; ++n) {
    const int i = Which == triangle::lower ? column.last - 1 - n : column.first + n;
    const P entry = m.value(i * M::rows + j);
    sum = Minus ? fnma(entry, v[i], sum) : fma(entry, v[i], sum);
  }
  return sum;
}
/// Adds g v^T to the cotangents of M; Minus: takes it from them.
template <triangle Which, bool Minus = false, class M, class P>
BIJOU_INLINE void add_outer(const M& m, const P* g, const P* v) {
  if constexpr (M::is_active)
    for (int i = 0; i < M::rows; ++i) {
      const off_diagonal<Which, M::rows> row(i);
      const P left = g[i];
      m.add_each(
          i * M::rows + row.first,
          row.last - row.first, [&](int j, P start) __attribute__((always_inline)) {
            const P right = v[row.first + j];
            return Minus ? fnma(left, right, start) : fma(left, right, start);
          });
    }
}
/// The rows in the order of a substitution, f(i): each needs those before it.
template <triangle Which, int D, class F> BIJOU_INLINE void in_order(F&& f) {
  if constexpr (Which == triangle::lower)
    for (int i = 0; i < D; ++i) f(i);
  else
    for (int i = D - 1; i >= 0; --i) f(i);
}
/// Variables side by side in memory, as the functions above take them: each is read D times.
template <class P, int D> using column_of = P[static_cast<std::size_t>(D)];
template <int D, class View, class P> BIJOU_INLINE void copy_variables(const View& v, P* x) {
  for_each_variable<D>([&](int d) __attribute__((always_inline)) { x[d] = v.value(d); });
}

// --- the operations

/// y = M v + b
template <triangle Which, class M, class Diagonal, class V, class B> struct triangular_product {
  using value_type = typename M::value_type;
  using P = simd::pack<value_type>;
  static constexpr int size = M::rows;
  static constexpr bool is_active =
      M::is_active || Diagonal::is_active || V::is_active || B::is_active;
  M m;
  Diagonal diagonal;
  V v;
  B start;

  BIJOU_INLINE void evaluate(P* y) const {
    column_of<P, size> x;
    copy_variables<size>(v, x);
    for (int i = 0; i < size; ++i) {
      const P on_it = diagonal.value(i), sum = start.value(i);
      if constexpr (Which == triangle::lower)
        y[i] = fma(on_it, x[i], row_times<Which>(m, i, x, sum));
      else
        y[i] = row_times<Which>(m, i, x, fma(on_it, x[i], sum));
    }
  }
  BIJOU_INLINE void pull_back(const P* g, const P*) const {
    column_of<P, size> x;
    copy_variables<size>(v, x);
    for (int j = 0; j < size; ++j) {
      start.add(j, g[j]);
      diagonal.add(j, g[j], x[j]);
    }
    add_outer<Which>(m, g, x);
    if constexpr (V::is_active)
      for (int j = 0; j < size; ++j)
        v.add(j, column_times<Which>(m, j, g, g[j] * diagonal.value(j)));
  }
};

/// y with M y = v. With l = M^-T g, the cotangent of v is l and that of M is -l y^T.
template <triangle Which, class M, class Diagonal, class V> struct triangular_solution {
  using value_type = typename M::value_type;
  using P = simd::pack<value_type>;
  static constexpr int size = M::rows;
  static constexpr bool is_active = M::is_active || Diagonal::is_active || V::is_active;
  M m;
  Diagonal diagonal;
  V v;

  BIJOU_INLINE void evaluate(P* y) const {
    in_order<Which, size>([&](int i) __attribute__((always_inline)) {
      const P rest = row_times<Which, true>(m, i, y, v.value(i));
      // The rows after it sum over it.
      y[i] = bijou::detail::saturated(rest / diagonal.value(i),
                                      bijou::detail::linear_saturation<value_type>);
    });
  }
  BIJOU_INLINE void pull_back(P* l, const P* y) const {
    in_order<transposed<Which>, size>([&](int j) __attribute__((always_inline)) {
      l[j] = column_times<Which, true>(m, j, l, l[j]) / diagonal.value(j);
      v.add(j, l[j]);
      diagonal.subtract(j, l[j], y[j]);
    });
    add_outer<Which, true>(m, l, y);
  }
};

/// Whether the operands are a matrix of parameters, its diagonal, which one number may stand for,
/// and a vector of samples.
template <class M, class Diagonal, class V> constexpr bool matrix_and_vectors() {
  if constexpr (some_matrix<M> && operand<Diagonal> && some_numbers<V>)
    return !some_list<V> && M::rows == M::columns && V::size == M::rows &&
           (size_of<Diagonal>() == 0 || size_of<Diagonal>() == M::rows);
  else
    return false;
}

} // namespace detail

#define BIJOU_NEEDS_MATRIX                                                                         \
  "bijou: a triangular product takes a matrix of D x D parameters, a vector or a number in place " \
  "of its diagonal and a vector of D variables"

/// M v + start, where M is a triangle of m with this diagonal; kept: nothing, or where the value is
/// kept. Cost: D (D + 1) / 2 multiply-adds; of its reverse sweep, twice that.
template <triangle Which, class M, class Diagonal, class V, operand Start, class... Place>
BIJOU_INLINE auto multiply(const M& m, Diagonal&& diagonal, V&& v, Start&& start,
                           const Place&... kept) {
  constexpr bool fits =
      detail::matrix_and_vectors<M, std::remove_cvref_t<Diagonal>, std::remove_cvref_t<V>>();
  static_assert(fits, BIJOU_NEEDS_MATRIX);
  static_assert(detail::named<Diagonal, V, Start>, BIJOU_NEEDS_NAME);
  using T = typename M::value_type;
  return detail::vector_made_by(
      detail::triangular_product<
          Which, decltype(m.entries()), decltype(detail::view_of<T>(diagonal)),
          decltype(detail::view_of<T>(v)), decltype(detail::view_of<T>(start))>{
          m.entries(), detail::view_of<T>(diagonal), detail::view_of<T>(v),
          detail::view_of<T>(start)},
      kept...);
}
template <triangle Which, class M, class Diagonal, class V>
BIJOU_INLINE auto multiply(const M& m, Diagonal&& diagonal, V&& v) {
  return multiply<Which>(m, std::forward<Diagonal>(diagonal), std::forward<V>(v), 0);
}
/// y with M y = v, by substitution; numbers end at linear_saturation. Cost: that of multiply, and D
/// quotients.
template <triangle Which, class M, class Diagonal, class V, class... Place>
BIJOU_INLINE auto solve(const M& m, Diagonal&& diagonal, V&& v, const Place&... kept) {
  constexpr bool fits =
      detail::matrix_and_vectors<M, std::remove_cvref_t<Diagonal>, std::remove_cvref_t<V>>();
  static_assert(fits, BIJOU_NEEDS_MATRIX);
  static_assert(detail::named<Diagonal, V>, BIJOU_NEEDS_NAME);
  using T = typename M::value_type;
  return detail::vector_made_by(
      detail::triangular_solution<Which, decltype(m.entries()),
                                  decltype(detail::view_of<T>(diagonal)),
                                  decltype(detail::view_of<T>(v))>{
          m.entries(), detail::view_of<T>(diagonal), detail::view_of<T>(v)},
      kept...);
}

} // namespace bijou::inline BIJOU_ISA::reverse_mode

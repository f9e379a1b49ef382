#pragma once
/// \file
/// Products with triangular matrices and their inverses, primitives of reverse mode by scope
/// (number.hpp): y = M v and M y = v.
///
/// M is a D x D matrix of parameters, row by row; only its triangle is read, diagonal included, and
/// only there cotangents go. Sums run away from the diagonal, each term with one fused
/// multiply-add, in the order in which a substitution can take them.

#include <bijou/reverse/products.hpp>

#include <cstddef>

namespace bijou::inline BIJOU_ISA::reverse_mode {

/// Which triangle of a matrix counts.
enum class triangle : unsigned char { lower, upper };

namespace detail {

/// The columns of row i off the diagonal, from there outwards: f(j).
template <triangle Which, int D, class F> BIJOU_INLINE void off_diagonal(int i, F&& f) {
  if constexpr (Which == triangle::lower)
    for (int j = i - 1; j >= 0; --j) f(j);
  else
    for (int j = i + 1; j < D; ++j) f(j);
}
/// The rows in the order of a substitution, f(i): each needs those before it.
template <triangle Which, int D, class F> BIJOU_INLINE void in_order(F&& f) {
  if constexpr (Which == triangle::lower)
    for (int i = 0; i < D; ++i) f(i);
  else
    for (int i = D - 1; i >= 0; --i) f(i);
}
template <triangle Which>
inline constexpr triangle other_triangle =
    Which == triangle::lower ? triangle::upper : triangle::lower;

template <triangle Which, int D, class M, class V, class P>
BIJOU_INLINE void multiply(const M& m, const V& v, P* y) {
  for (int i = 0; i < D; ++i) {
    P sum = m.value(i * D + i) * v.value(i);
    off_diagonal<Which, D>(
        i, [&](int j)
               __attribute__((always_inline)) { sum = fma(m.value(i * D + j), v.value(j), sum); });
    y[i] = sum;
  }
}
template <triangle Which, int D, class M, class V, class P>
BIJOU_INLINE void substitute(const M& m, const V& v, P* y) {
  in_order<Which, D>([&](int i) __attribute__((always_inline)) {
    P rest = v.value(i);
    off_diagonal<Which, D>(
        i, [&](int j)
               __attribute__((always_inline)) { rest = fnma(m.value(i * D + j), y[j], rest); });
    y[i] = rest / m.value(i * D + i);
  });
}

/// y = M v
template <class T, int D, triangle Which, class M, class V>
class triangular_product : public active_vector<T, D> {
 public:
  template <class A, class B>
  BIJOU_INLINE triangular_product(A& m, B& v) : m_(view_of<T>(m)), v_(view_of<T>(v)) {
    multiply<Which, D>(m_, v_, this->values.data());
  }
  BIJOU_INLINE ~triangular_product() {
    const M m = m_;
    const V v = v_;
    const auto y = this->view();
    const auto pull = [&](int i, int j) __attribute__((always_inline)) {
      const simd::pack<T> g = y.cotangent(i), one = v.value(j);
      v.add(j, g, m.value(i * D + j));
      m.add(i * D + j, g, one);
    };
    for (int i = 0; i < D; ++i) {
      pull(i, i);
      off_diagonal<Which, D>(
          i, [&](int j) __attribute__((always_inline)) { pull(i, j); });
    }
  }

 private:
  M m_;
  V v_;
};

/// y with M y = v. With l = M^-T g, the cotangent of v is l and that of M is -l y^T.
template <class T, int D, triangle Which, class M, class V>
class triangular_solution : public active_vector<T, D> {
 public:
  template <class A, class B>
  BIJOU_INLINE triangular_solution(A& m, B& v) : m_(view_of<T>(m)), v_(view_of<T>(v)) {
    substitute<Which, D>(m_, v_, this->values.data());
  }
  BIJOU_INLINE ~triangular_solution() {
    const M m = m_;
    const V v = v_;
    const auto y = this->view();
    // The transpose is solved in the opposite order, by columns of M.
    in_order<other_triangle<Which>, D>([&](int i) __attribute__((always_inline)) {
      const simd::pack<T> l = y.cotangent(i) / m.value(i * D + i);
      v.add(i, l);
      m.subtract(i * D + i, l, y.value(i));
      off_diagonal<Which, D>(
          i, [&](int j) __attribute__((always_inline)) {
            y.subtract(j, l, m.value(i * D + j));
            m.subtract(i * D + j, l, y.value(j));
          });
    });
  }

 private:
  M m_;
  V v_;
};

template <class T, int D, bool Solve, triangle Which, class M, class V>
BIJOU_INLINE auto apply_triangle(M& m, V& v) {
  using matrix = decltype(view_of<T>(m));
  using vector = decltype(view_of<T>(v));
  if constexpr (!matrix::is_active && !vector::is_active) {
    passive_vector<T, D> y;
    if constexpr (Solve)
      substitute<Which, D>(view_of<T>(m), view_of<T>(v), y.values.data());
    else
      multiply<Which, D>(view_of<T>(m), view_of<T>(v), y.values.data());
    return y;
  } else if constexpr (Solve) {
    return triangular_solution<T, D, Which, matrix, vector>(m, v);
  } else {
    return triangular_product<T, D, Which, matrix, vector>(m, v);
  }
}

/// Refuses what is no matrix of parameters and vector of samples.
template <class M, class V>
inline constexpr bool matrix_and_vector =
    !some_list<std::remove_cvref_t<M>> && !some_list<std::remove_cvref_t<V>> &&
    std::remove_cvref_t<M>::size == std::remove_cvref_t<V>::size * std::remove_cvref_t<V>::size;

} // namespace detail

#define BIJOU_NEEDS_MATRIX                                                                         \
  "bijou: a triangular product takes a matrix of D x D parameters and a vector of D variables"

/// M v. Cost: D (D + 1) / 2 multiply-adds; of its sweep, twice that.
template <triangle Which, detail::vector_operand M, detail::vector_operand V>
BIJOU_INLINE auto multiply(M&& m, V&& v) {
  static_assert(detail::named<M, V>, BIJOU_NEEDS_NAME);
  static_assert(detail::matrix_and_vector<M, V>, BIJOU_NEEDS_MATRIX);
  using vector = std::remove_cvref_t<V>;
  return detail::apply_triangle<typename vector::value_type, vector::size, false, Which>(m, v);
}
/// y with M y = v, by substitution. Cost: that of multiply, and D quotients.
template <triangle Which, detail::vector_operand M, detail::vector_operand V>
BIJOU_INLINE auto solve(M&& m, V&& v) {
  static_assert(detail::named<M, V>, BIJOU_NEEDS_NAME);
  static_assert(detail::matrix_and_vector<M, V>, BIJOU_NEEDS_MATRIX);
  using vector = std::remove_cvref_t<V>;
  return detail::apply_triangle<typename vector::value_type, vector::size, true, Which>(m, v);
}

} // namespace bijou::inline BIJOU_ISA::reverse_mode

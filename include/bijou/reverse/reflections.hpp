#pragma once
/// \file
/// Products of Householder reflections, a primitive of reverse mode by scope (number.hpp).
///
/// H_K ... H_1 with H_k = 1 - c_k u_k u_k^T, c_k = 2 / |u_k|^2: row k of a matrix of parameters is
/// u_k. Each is its own inverse and its own transpose, so that the reverse sweep finds what every
/// reflection was given by walking back from the product.

#include <bijou/reverse/matrix.hpp>

#include <limits>

namespace bijou::inline BIJOU_ISA::reverse_mode {

/// In which order reflections are applied: H_1 first, or H_1 last, which undoes the other.
enum class reflection_order : unsigned char { first_to_last, last_to_first };

namespace detail {

/// The i-th of K in an order.
template <reflection_order Order> constexpr int in_turn(int i, int K) {
  return Order == reflection_order::first_to_last ? i : K - 1 - i;
}
/// |u_k|^2, in every lane that of its own sample.
template <class Entries> BIJOU_INLINE auto squared_row(const Entries& u, int k) {
  using T = typename Entries::value_type;
  simd::pack<T> square(T(0));
  for (int d = 0; d < Entries::columns; ++d) {
    const simd::pack<T> one = u.value(k * Entries::columns + d);
    square = fma(one, one, square);
  }
  return square;
}
template <class M, class T> BIJOU_INLINE void find_factors(const M& matrix, T* factors) {
  using P = simd::pack<T>;
  const auto u = matrix.entries();
  for (int k = 0; k < M::rows; ++k) {
    const P square = squared_row(u, k);
    const bool directed = !(square.first() < std::numeric_limits<T>::min());
    factors[k] = directed ? (P(T(2)) / square).first() : T(0);
  }
  pad_list<M::rows>(factors);
}
template <class T, int K, int D> class reflection_factors_result : public active_list<T, K> {
 public:
  BIJOU_INLINE explicit reflection_factors_result(const active_matrix<T, K, D>& u) : u_(u) {
    find_factors(u, this->values_.numbers.data());
  }
  BIJOU_INLINE ~reflection_factors_result() { // dc/du = -c^2 u
    const T *const u = u_.data(), *const c = this->data(), *const g = this->cotangents();
    T* const to = u_.gradient();
    for (int k = 0; k < K; ++k)
      for (int d = 0; d < D; ++d) to[k * D + d] -= g[k] * c[k] * c[k] * u[k * D + d];
  }

 private:
  active_matrix<T, K, D> u_;
};

/// The same of matrices of which each sample has its own.
template <class M> struct factors_of_samples {
  using value_type = typename M::value_type;
  using P = simd::pack<value_type>;
  static constexpr int size = M::rows, columns = M::columns;
  static constexpr bool is_active = M::is_active;
  M u;

  BIJOU_INLINE void evaluate(P* factors) const {
    const P zero(value_type(0)), least(std::numeric_limits<value_type>::min());
    for (int k = 0; k < size; ++k) {
      const P square = squared_row(u, k);
      factors[k] = select(square < least, zero, P(value_type(2)) / square);
    }
  }
  BIJOU_INLINE void pull_back(const P* g, const P* factors) const {
    if constexpr (is_active)
      for (int k = 0; k < size; ++k) {
        const P slope = g[k] * factors[k] * factors[k];
        u.add_each(
            k * columns, columns, [&](int d, P start) __attribute__((always_inline)) {
              return fnma(slope, u.value(k * columns + d), start);
            });
      }
  }
};

template <class M, class P> BIJOU_INLINE P along(const M& u, int k, const P* x) {
  P sum(typename P::value_type(0));
  for_each_variable<M::columns>([&](int d) __attribute__((always_inline)) {
    sum = fma(u.value(k * M::columns + d), x[d], sum);
  });
  return sum;
}
/// The same by several sums, which do not wait for one another: for the reverse sweep, where no
/// bits are to be met.
template <class M, class P> BIJOU_INLINE P along_by_parts(const M& u, int k, const P* x) {
  constexpr int D = M::columns, parts = D >= 16 ? 4 : D >= 4 ? 2 : 1;
  using number = typename P::value_type;
  bijou::detail::registers_of<number, parts> sums;
  bijou::detail::unroll<parts>([&](auto i)
                                   __attribute__((always_inline)) { sums[i] = P(number(0)); });
  const auto add = [&](auto i, int d) __attribute__((always_inline)) {
    sums[i] = fma(u.value(k * D + d), x[d], sums[i]);
  };
  for_each_variable<D / parts>([&](int block) __attribute__((always_inline)) {
    bijou::detail::unroll<parts>([&](auto i)
                                     __attribute__((always_inline)) { add(i, block * parts + i); });
  });
  bijou::detail::unroll<D % parts>([&](auto i) __attribute__((always_inline)) {
    add(i, D / parts * parts + i);
  });
  if constexpr (parts == 4)
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  else if constexpr (parts == 2)
    return sums[0] + sums[1];
  else
    return sums[0];
}
template <class M, class P> BIJOU_INLINE void reflect_one(const M& u, int k, P far, P* x) {
  for_each_variable<M::columns>([&](int d) __attribute__((always_inline)) {
    x[d] = fnma(far, u.value(k * M::columns + d), x[d]);
  });
}
/// x reflected by every row of u.
template <reflection_order Order, class M, class Factors, class X> struct reflections {
  using value_type = typename M::value_type;
  using P = simd::pack<value_type>;
  static constexpr int size = M::columns;
  static constexpr bool is_active = M::is_active || Factors::is_active || X::is_active;
  M u;
  Factors factors;
  X x;

  BIJOU_INLINE void evaluate(P* y) const {
    for_each_variable<size>([&](int d) __attribute__((always_inline)) { y[d] = x.value(d); });
    for (int i = 0; i < M::rows; ++i) {
      const int k = in_turn<Order>(i, M::rows);
      reflect_one(u, k, factors.value(k) * along(u, k, y), y);
    }
  }
  BIJOU_INLINE void pull_back(P* g, P* y) const {
    for (int i = 0; i < M::rows; ++i) {
      const int k = in_turn<Order>(M::rows - 1 - i, M::rows);
      // back = u . y = -u . x
      const P back = along_by_parts(u, k, y), g_along = along_by_parts(u, k, g);
      const P far = factors.value(k) * back, g_far = factors.value(k) * g_along;
      reflect_one(u, k, far, y);
      if constexpr (M::is_active)
        u.add_each(
            k * size, size, [&](int d, P start) __attribute__((always_inline)) {
              return fma(far, g[d], fnma(g_far, y[d], start));
            });
      factors.add(k, back, g_along);
      reflect_one(u, k, g_far, g);
    }
    for_each_variable<size>([&](int d) __attribute__((always_inline)) { x.add(d, g[d]); });
  }
};

} // namespace detail

/// c_k = 2 / |u_k|^2 for the rows of u, for prepare: a list, or a vector where each sample has its
/// own. Without a direction there is no mirror, and c_k is 0.
template <detail::matrix_operand M> BIJOU_INLINE auto reflection_factors(const M& u) {
  using T = typename M::value_type;
  if constexpr (!requires { u.data(); }) {
    return detail::vector_made_by(detail::factors_of_samples<decltype(u.entries())>{u.entries()});
  } else if constexpr (M::is_active) {
    return detail::reflection_factors_result<T, M::rows, M::columns>(u);
  } else {
    passive_list<T, M::rows> factors;
    detail::find_factors(u, factors.data());
    return factors;
  }
}

/// x reflected by the rows of u, one after the other; factors: reflection_factors(u). Cost: 2 K D
/// multiply-adds; of its reverse sweep three times that.
template <reflection_order Order, class M, class Factors, class X, class... Place>
BIJOU_INLINE auto reflect(const M& u, Factors&& factors, X&& x, const Place&... kept) {
  constexpr bool fits = M::rows == detail::size_of<std::remove_cvref_t<Factors>>() &&
                        M::columns == detail::size_of<std::remove_cvref_t<X>>();
  static_assert(fits,
                "bijou: reflect takes a matrix of K x D parameters, K factors and a vector of "
                "D variables");
  static_assert(detail::named<Factors, X>, BIJOU_NEEDS_NAME);
  using T = typename M::value_type;
  return detail::vector_made_by(
      detail::reflections<Order, decltype(u.entries()), decltype(detail::view_of<T>(factors)),
                          decltype(detail::view_of<T>(x))>{u.entries(), detail::view_of<T>(factors),
                                                           detail::view_of<T>(x)},
      kept...);
}

} // namespace bijou::inline BIJOU_ISA::reverse_mode

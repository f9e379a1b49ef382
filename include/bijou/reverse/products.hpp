#pragma once
/// \file
/// Sums over the variables of vectors: dot products and norms, primitives of reverse mode by
/// scope (number.hpp). A dot product adds in ascending order of the variables, each with one fused
/// multiply-add.

#include <bijou/reverse/formulas.hpp>

#include <type_traits>
#include <utility>

namespace bijou::inline BIJOU_ISA::reverse_mode {

namespace detail {

/// The variables of an operand as a product runs over them: one after the other, those of a list a
/// register at a time.
template <class X> inline constexpr int steps_of = X::size;
template <some_list X>
inline constexpr int steps_of<X> = blocks_of<typename X::value_type, X::size>;
/// The cotangent of a number as variables see it: among lists it is the sum of its lanes.
template <class X, class P> BIJOU_INLINE P for_variables_of(P g) {
  if constexpr (some_list<X>)
    return P(bijou::detail::sum_of_lanes(g));
  else
    return g;
}

/// sum + a . b, in ascending order of the variables.
template <class A, class B, class P> BIJOU_INLINE P dot_value(const A& a, const B& b, P sum) {
  const auto each = [&](auto left, auto right) __attribute__((always_inline)) {
    for_each_variable<A::size>([&](int d) __attribute__((always_inline)) {
      sum = fma(left(d), right(d), sum);
    });
  };
  if constexpr (some_list<A>)
    each(
        [x = a.data()](int d) __attribute__((always_inline)) { return P(x[d]); },
        [x = b.data()](int d) __attribute__((always_inline)) { return P(x[d]); });
  else
    each(
        [x = a.view()](int d) __attribute__((always_inline)) { return x.value(d); },
        [x = b.view()](int d) __attribute__((always_inline)) { return x.value(d); });
  return sum;
}

/// start + a . b of operands X and Y.
template <class T, class X, class Y, class Start> class dot_result : public active<T> {
 public:
  template <class S>
  BIJOU_INLINE dot_result(const X& x, const Y& y, S& start)
      : active<T>(dot_value(x, y, view_of<T>(start).value(0))), a_(x.view()), b_(y.view()),
        start_(view_of<T>(start)) {}
  BIJOU_INLINE ~dot_result() {
    const auto a = a_;
    const auto b = b_;
    const simd::pack<T> g = for_variables_of<X>(this->cotangent);
    for_each_variable<steps_of<X>>([&](int i) __attribute__((always_inline)) {
      const simd::pack<T> left = a.value(i), right = b.value(i);
      b.add(i, g, left);
      a.add(i, g, right);
    });
    start_.add(0, this->cotangent);
  }

 private:
  decltype(std::declval<const X&>().view()) a_;
  decltype(std::declval<const Y&>().view()) b_;
  Start start_;
};

/// |a|, at most so far that its square does not overflow.
template <class A> BIJOU_INLINE auto norm_value(const A& a) {
  using T = typename A::value_type;
  constexpr T farthest = sizeof(T) == 4 ? T(0x1p60) : T(0x1p500);
  const simd::pack<T> squared = dot_value(a, a, simd::pack<T>(T(0)));
  return min(simd::pack<T>(farthest), sqrt(squared));
}
/// The norm r of x.
template <class T, class X> class norm_result : public active<T> {
 public:
  BIJOU_INLINE norm_result(const X& x, simd::pack<T> r) : active<T>(r), a_(x.view()) {}
  BIJOU_INLINE ~norm_result() {
    const auto a = a_;
    const simd::pack<T> zero(T(0)), r = this->value;
    // Where the norm is 0 it has no slope; 0 is given.
    const simd::pack<T> by_r = select(r > zero, for_variables_of<X>(this->cotangent) / r, zero);
    for_each_variable<steps_of<X>>([&](int i) __attribute__((always_inline)) {
      a.add(i, by_r, a.value(i));
    });
  }

 private:
  decltype(std::declval<const X&>().view()) a_;
};

/// sum + every variable of a, in ascending order.
template <class A, class P> BIJOU_INLINE P sum_value(const A& a, P sum) {
  if constexpr (some_list<A>) {
    for (int d = 0; d < A::size; ++d) sum = sum + P(a.data()[d]);
  } else {
    const auto x = a.view();
    for_each_variable<A::size>([&](int d)
                                   __attribute__((always_inline)) { sum = sum + x.value(d); });
  }
  return sum;
}
/// The sum of the variables of X.
template <class T, class X> class sum_result : public active<T> {
 public:
  BIJOU_INLINE explicit sum_result(const X& x)
      : active<T>(sum_value(x, simd::pack<T>(T(0)))), a_(x.view()) {}
  BIJOU_INLINE ~sum_result() {
    const auto a = a_;
    const simd::pack<T> g = for_variables_of<X>(this->cotangent);
    for_each_variable<steps_of<X>>([&](int i) __attribute__((always_inline)) { a.add(i, g); });
  }

 private:
  decltype(std::declval<const X&>().view()) a_;
};

template <class X>
concept vector_operand = some_numbers<std::remove_cvref_t<X>>;

} // namespace detail

/// start + sum over d of a[d] b[d].
template <detail::vector_operand A, detail::vector_operand B, operand Start>
BIJOU_INLINE auto dot(A&& a, B&& b, Start&& start) {
  using T = typename std::remove_cvref_t<A>::value_type;
  static_assert(detail::named<A, B, Start>, BIJOU_NEEDS_NAME);
  static_assert(detail::matching<A, B>, BIJOU_NEEDS_SIZE);
  using left = std::remove_cvref_t<A>;
  using right = std::remove_cvref_t<B>;
  using first = decltype(detail::view_of<T>(start));
  if constexpr (detail::is_active<A>() || detail::is_active<B>() || first::is_active)
    return detail::dot_result<T, left, right, first>(a, b, start);
  else
    return passive<T>{detail::dot_value(a, b, detail::view_of<T>(start).value(0))};
}
template <detail::vector_operand A, detail::vector_operand B> BIJOU_INLINE auto dot(A&& a, B&& b) {
  return dot(std::forward<A>(a), std::forward<B>(b), 0);
}

/// The sum of all variables, in ascending order.
template <detail::vector_operand A> BIJOU_INLINE auto sum(A&& a) {
  using T = typename std::remove_cvref_t<A>::value_type;
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  if constexpr (detail::is_active<A>())
    return detail::sum_result<T, std::remove_cvref_t<A>>(a);
  else
    return passive<T>{detail::sum_value(a, simd::pack<T>(T(0)))};
}

/// The norm |a|, at most 2^60 in float and 2^500 in double, so that its square does not overflow.
/// Its slope at 0 is given as 0.
template <detail::vector_operand A> BIJOU_INLINE auto norm(A&& a) {
  using vector = std::remove_cvref_t<A>;
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  if constexpr (detail::is_active<A>())
    return detail::norm_result<typename vector::value_type, vector>(a, detail::norm_value(a));
  else
    return passive<typename vector::value_type>{detail::norm_value(a)};
}
/// The same, kept for the reverse sweep.
template <detail::vector_operand A, class Place> BIJOU_INLINE auto norm(A&& a, const Place& kept) {
  using vector = std::remove_cvref_t<A>;
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  const auto place = kept.template take<1>();
  if constexpr (Place::loads) {
    return detail::norm_result<typename vector::value_type, vector>(a, place.load(0));
  } else {
    auto r = norm(a);
    if (place) detail::store_kept(place, r);
    return r;
  }
}

} // namespace bijou::inline BIJOU_ISA::reverse_mode

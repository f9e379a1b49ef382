#pragma once
/// \file
/// Sums over the variables of vectors: dot products and norms, primitives of reverse mode by
/// scope (number.hpp). A dot product adds in ascending order of the variables, each with one fused
/// multiply-add.

#include <bijou/reverse/formulas.hpp>

namespace bijou::inline BIJOU_ISA::reverse_mode {

namespace detail {

template <int D, class A, class B>
BIJOU_INLINE typename A::pack dot_value(const A& a, const B& b, typename A::pack sum) {
  for_each_variable<D>([&](int d) __attribute__((always_inline)) {
    sum = fma(a.value(d), b.value(d), sum);
  });
  return sum;
}

/// start + a . b
template <class T, int D, class A, class B, class Start> class dot_result : public active<T> {
 public:
  template <class X, class Y, class S>
  BIJOU_INLINE dot_result(X& x, Y& y, S& start)
      : active<T>(dot_value<D>(view_of<T>(x), view_of<T>(y), view_of<T>(start).value(0))),
        a_(view_of<T>(x)), b_(view_of<T>(y)), start_(view_of<T>(start)) {}
  BIJOU_INLINE ~dot_result() {
    const A a = a_;
    const B b = b_;
    const simd::pack<T> g = this->cotangent;
    for_each_variable<D>([&](int d) __attribute__((always_inline)) {
      const simd::pack<T> left = a.value(d), right = b.value(d);
      b.add(d, g, left);
      a.add(d, g, right);
    });
    start_.add(0, g);
  }

 private:
  A a_;
  B b_;
  Start start_;
};

/// start + a . b of lists.
template <class T, int D, class A, class B>
BIJOU_INLINE simd::pack<T> list_dot_value(const A& a, const B& b, simd::pack<T> sum) {
  const T *left = a.data(), *right = b.data();
  for_each_variable<D>([&](int d) __attribute__((always_inline)) {
    sum = fma(simd::pack<T>(left[d]), simd::pack<T>(right[d]), sum);
  });
  return sum;
}
template <class T, int D, class A, class B, class Start> class list_dot_result : public active<T> {
 public:
  template <class X, class Y, class S>
  BIJOU_INLINE list_dot_result(X& x, Y& y, S& start)
      : active<T>(list_dot_value<T, D>(x, y, view_of<T>(start).value(0))), a_(view_of<T>(x)),
        b_(view_of<T>(y)), start_(view_of<T>(start)) {}
  BIJOU_INLINE ~list_dot_result() {
    const A a = a_;
    const B b = b_;
    const simd::pack<T> g(bijou::detail::sum_of_lanes(this->cotangent));
    for_each_variable<blocks_of<T, D>>([&](int block) __attribute__((always_inline)) {
      const simd::pack<T> left = a.value(block), right = b.value(block);
      b.add(block, g, left);
      a.add(block, g, right);
    });
    start_.add(0, this->cotangent);
  }

 private:
  A a_;
  B b_;
  Start start_;
};

/// |a|, at most `farthest`
template <class T, int D, class A> class norm_result : public active<T> {
 public:
  template <class X>
  BIJOU_INLINE norm_result(X& x, simd::pack<T> r) : active<T>(r), a_(view_of<T>(x)) {}
  BIJOU_INLINE ~norm_result() {
    const A a = a_;
    const simd::pack<T> zero(T(0)), r = this->value;
    // Where the length is 0 it has no slope; 0 is given.
    const simd::pack<T> by_r = select(r > zero, this->cotangent / r, zero);
    for_each_variable<D>([&](int d) __attribute__((always_inline)) { a.add(d, by_r, a.value(d)); });
  }

 private:
  A a_;
};

/// |a| of a list.
template <class T, int D, class A> class list_norm_result : public active<T> {
 public:
  template <class X>
  BIJOU_INLINE list_norm_result(X& x, simd::pack<T> r) : active<T>(r), a_(view_of<T>(x)) {}
  BIJOU_INLINE ~list_norm_result() {
    const A a = a_;
    const simd::pack<T> zero(T(0)), r = this->value;
    const simd::pack<T> g(bijou::detail::sum_of_lanes(this->cotangent));
    const simd::pack<T> by_r = select(r > zero, g / r, zero);
    for_each_variable<blocks_of<T, D>>([&](int b) __attribute__((always_inline)) {
      a.add(b, by_r, a.value(b));
    });
  }

 private:
  A a_;
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
  constexpr int D = std::remove_cvref_t<A>::size;
  using left = decltype(detail::view_of<T>(a));
  using right = decltype(detail::view_of<T>(b));
  using first = decltype(detail::view_of<T>(start));
  constexpr bool active = left::is_active || right::is_active || first::is_active;
  if constexpr (detail::some_list<std::remove_cvref_t<A>>) {
    if constexpr (active)
      return detail::list_dot_result<T, D, left, right, first>(a, b, start);
    else
      return passive<T>{detail::list_dot_value<T, D>(a, b, detail::view_of<T>(start).value(0))};
  } else if constexpr (active) {
    return detail::dot_result<T, D, left, right, first>(a, b, start);
  } else {
    return passive<T>{detail::dot_value<D>(detail::view_of<T>(a), detail::view_of<T>(b),
                                           detail::view_of<T>(start).value(0))};
  }
}
template <detail::vector_operand A, detail::vector_operand B> BIJOU_INLINE auto dot(A&& a, B&& b) {
  return dot(std::forward<A>(a), std::forward<B>(b), 0);
}

/// The norm |a|, at most 2^60 in float and 2^500 in double, so that its square does not overflow.
/// Its slope at 0 is given as 0.
template <detail::vector_operand A> BIJOU_INLINE auto norm(A&& a) {
  using T = typename std::remove_cvref_t<A>::value_type;
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  constexpr int D = std::remove_cvref_t<A>::size;
  constexpr T farthest = sizeof(T) == 4 ? T(0x1p60) : T(0x1p500);
  using view = decltype(detail::view_of<T>(a));
  constexpr bool list = detail::some_list<std::remove_cvref_t<A>>;
  simd::pack<T> squared(T(0));
  if constexpr (list)
    squared = detail::list_dot_value<T, D>(a, a, squared);
  else
    squared = detail::dot_value<D>(detail::view_of<T>(a), detail::view_of<T>(a), squared);
  const simd::pack<T> r = min(simd::pack<T>(farthest), sqrt(squared));
  if constexpr (!view::is_active)
    return passive<T>{r};
  else if constexpr (list)
    return detail::list_norm_result<T, D, view>(a, r);
  else
    return detail::norm_result<T, D, view>(a, r);
}

} // namespace bijou::inline BIJOU_ISA::reverse_mode

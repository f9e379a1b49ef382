#pragma once
/// \file
/// What formulas are written with: operators and functions of reverse mode by scope (number.hpp).
///
/// A function of a vector or list is taken variable by variable; numbers among them stand for all
/// variables. Unary functions may keep their value for the reverse sweep: tanh(x, y.kept())
/// computes it once, when the formula is evaluated for gradients, and reads it where they are
/// computed.

#include <bijou/reverse/functions.hpp>
#include <bijou/reverse/results.hpp>

namespace bijou::inline BIJOU_ISA::reverse_mode {
namespace detail {

/// a where m, else b; the other gets no cotangent, whatever it is there.
template <class T, class A, class B> class select_result : public active<T> {
 public:
  template <class X, class Y>
  BIJOU_INLINE select_result(simd::mask<T> m, X& x, Y& y)
      : active<T>(simd::select(m, view_of<T>(x).value(0), view_of<T>(y).value(0))), mask_(m),
        a_(view_of<T>(x)), b_(view_of<T>(y)) {}
  BIJOU_INLINE ~select_result() {
    const simd::pack<T> zero(T(0)), g = this->cotangent;
    a_.add(0, simd::select(mask_, g, zero));
    b_.add(0, simd::select(mask_, zero, g));
  }

 private:
  simd::mask<T> mask_;
  A a_;
  B b_;
};

} // namespace detail

// --- sums, products and quotients

template <operand A, operand B>
  requires(value<A> || value<B>)
BIJOU_INLINE auto operator+(A&& a, B&& b) {
  static_assert(detail::named<A, B>, BIJOU_NEEDS_NAME);
  static_assert(detail::matching<A, B>, BIJOU_NEEDS_SIZE);
  return detail::apply<functions::sum>(a, b);
}

template <operand A, operand B>
  requires(value<A> || value<B>)
BIJOU_INLINE auto operator-(A&& a, B&& b) {
  static_assert(detail::named<A, B>, BIJOU_NEEDS_NAME);
  static_assert(detail::matching<A, B>, BIJOU_NEEDS_SIZE);
  return detail::apply<functions::difference>(a, b);
}

template <operand A, operand B>
  requires(value<A> || value<B>)
BIJOU_INLINE auto operator*(A&& a, B&& b) {
  static_assert(detail::named<A, B>, BIJOU_NEEDS_NAME);
  static_assert(detail::matching<A, B>, BIJOU_NEEDS_SIZE);
  return detail::apply<functions::product>(a, b);
}

template <operand A, operand B>
  requires(value<A> || value<B>)
BIJOU_INLINE auto operator/(A&& a, B&& b) {
  static_assert(detail::named<A, B>, BIJOU_NEEDS_NAME);
  static_assert(detail::matching<A, B>, BIJOU_NEEDS_SIZE);
  return detail::apply<functions::quotient>(a, b);
}

template <value A> BIJOU_INLINE auto operator-(A&& a) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply<functions::negative>(a);
}

/// a b + c, rounded once.
template <operand A, operand B, operand C>
  requires(value<A> || value<B> || value<C>)
BIJOU_INLINE auto fma(A&& a, B&& b, C&& c) {
  static_assert(detail::named<A, B, C>, BIJOU_NEEDS_NAME);
  static_assert(detail::matching<A, B, C>, BIJOU_NEEDS_SIZE);
  return detail::apply<functions::fused_sum>(a, b, c);
}

/// c - a b, rounded once.
template <operand A, operand B, operand C>
  requires(value<A> || value<B> || value<C>)
BIJOU_INLINE auto fnma(A&& a, B&& b, C&& c) {
  static_assert(detail::named<A, B, C>, BIJOU_NEEDS_NAME);
  static_assert(detail::matching<A, B, C>, BIJOU_NEEDS_SIZE);
  return detail::apply<functions::fused_difference>(a, b, c);
}

// --- functions, and the same with their value kept

template <value A> BIJOU_INLINE auto square(A&& a) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply<functions::square>(a);
}
template <value A, class Place> BIJOU_INLINE auto square(A&& a, const Place& kept) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply_kept<functions::square>(kept, a);
}

template <value A> BIJOU_INLINE auto sqrt(A&& a) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply<functions::square_root>(a);
}
template <value A, class Place> BIJOU_INLINE auto sqrt(A&& a, const Place& kept) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply_kept<functions::square_root>(kept, a);
}

template <value A> BIJOU_INLINE auto reciprocal(A&& a) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply<functions::reciprocal>(a);
}
template <value A, class Place> BIJOU_INLINE auto reciprocal(A&& a, const Place& kept) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply_kept<functions::reciprocal>(kept, a);
}

template <value A> BIJOU_INLINE auto abs(A&& a) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply<functions::abs>(a);
}

template <value A> BIJOU_INLINE auto exp(A&& a) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply<functions::exp>(a);
}
template <value A, class Place> BIJOU_INLINE auto exp(A&& a, const Place& kept) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply_kept<functions::exp>(kept, a);
}

template <value A> BIJOU_INLINE auto log(A&& a) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply<functions::log>(a);
}
template <value A, class Place> BIJOU_INLINE auto log(A&& a, const Place& kept) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply_kept<functions::log>(kept, a);
}

template <value A> BIJOU_INLINE auto log1p(A&& a) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply<functions::log1p>(a);
}
template <value A, class Place> BIJOU_INLINE auto log1p(A&& a, const Place& kept) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply_kept<functions::log1p>(kept, a);
}

template <value A> BIJOU_INLINE auto tanh(A&& a) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply<functions::tanh>(a);
}
template <value A, class Place> BIJOU_INLINE auto tanh(A&& a, const Place& kept) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply_kept<functions::tanh>(kept, a);
}

template <value A> BIJOU_INLINE auto sigmoid(A&& a) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply<functions::sigmoid>(a);
}
template <value A, class Place> BIJOU_INLINE auto sigmoid(A&& a, const Place& kept) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply_kept<functions::sigmoid>(kept, a);
}

template <value A> BIJOU_INLINE auto softplus(A&& a) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply<functions::softplus>(a);
}
template <value A, class Place> BIJOU_INLINE auto softplus(A&& a, const Place& kept) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply_kept<functions::softplus>(kept, a);
}

template <value A> BIJOU_INLINE auto sin(A&& a) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply<functions::sin>(a);
}
template <value A, class Place> BIJOU_INLINE auto sin(A&& a, const Place& kept) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply_kept<functions::sin>(kept, a);
}

template <value A> BIJOU_INLINE auto cos(A&& a) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply<functions::cos>(a);
}
template <value A, class Place> BIJOU_INLINE auto cos(A&& a, const Place& kept) {
  static_assert(detail::named<A>, BIJOU_NEEDS_NAME);
  return detail::apply_kept<functions::cos>(kept, a);
}

/// A function of one's own, with a value and slopes as functions.hpp has them.
template <class F, operand... A>
  requires(value<A> || ...)
BIJOU_INLINE auto apply(A&&... a) {
  static_assert(detail::named<A...>, BIJOU_NEEDS_NAME);
  static_assert(detail::matching<A...>, BIJOU_NEEDS_SIZE);
  return detail::apply<F>(a...);
}

/// a where m, else b, of numbers. Conditions are of values: `x.value > y.value`.
template <class T, operand A, operand B> BIJOU_INLINE auto select(simd::mask<T> m, A&& a, B&& b) {
  static_assert(detail::named<A, B>, BIJOU_NEEDS_NAME);
  using left = decltype(detail::view_of<T>(a));
  using right = decltype(detail::view_of<T>(b));
  if constexpr (left::is_active || right::is_active)
    return detail::select_result<T, left, right>(m, a, b);
  else
    return passive<T>{
        simd::select(m, detail::view_of<T>(a).value(0), detail::view_of<T>(b).value(0))};
}

} // namespace bijou::inline BIJOU_ISA::reverse_mode

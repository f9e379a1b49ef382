#pragma once
/// \file
/// `dual<P>`: a value and its derivative along one direction, carried through arithmetic.
///
/// Forward-mode differentiation over SIMD lanes: a formula written once for packs, called with
/// dual<pack<T>>, gives its derivative too, exact to rounding. dual<dual<P>> gives the second.
/// Each derivative is written in the form that does not cancel (that of sigmoid is s(x) s(-x)).
/// Comparisons look at values only, so `select` follows the branch that the value takes.
///
///     dual<P> x = math::variable(p);        // derivative 1
///     using math::exp;                      // so that packs and duals are both found
///     dual<P> y = x * exp(-0.5 * x);        // scalars and packs are constants
///
/// Cost: the value's, and about as much again for the derivative; no memory.

#include <bijou/kernels/math.hpp>

#include <concepts>
#include <type_traits>

namespace bijou::inline BIJOU_ISA::math {

/// The scalar at the bottom of a number type: T of pack<T> and dual<pack<T>>, double of double.
template <class P> struct scalar_of {
  using type = P;
};
template <class P>
  requires requires { typename P::value_type; }
struct scalar_of<P> {
  using type = typename P::value_type;
};

/// A number a + b e with e^2 = 0. Anything that converts to P, scalars too, is a constant.
template <class P> struct dual {
  using value_type = typename scalar_of<P>::type;

  P value;
  P derivative;

  dual() = default;
  BIJOU_INLINE dual(P v, P d) : value(v), derivative(d) {}
  BIJOU_INLINE dual(P v) : value(v), derivative(zero()) {}
  template <class S>
    requires(std::is_arithmetic_v<S> && !std::same_as<S, P>)
  BIJOU_INLINE dual(S s) : value(static_cast<value_type>(s)), derivative(zero()) {}
  template <class Q>
    requires(!std::is_arithmetic_v<Q> && !std::same_as<Q, P> && std::convertible_to<Q, P>)
  BIJOU_INLINE dual(Q q) : value(q), derivative(zero()) {}

  friend BIJOU_INLINE dual operator+(dual a, dual b) {
    return {a.value + b.value, a.derivative + b.derivative};
  }
  friend BIJOU_INLINE dual operator-(dual a, dual b) {
    return {a.value - b.value, a.derivative - b.derivative};
  }
  friend BIJOU_INLINE dual operator*(dual a, dual b) {
    return {a.value * b.value, fma(a.derivative, b.value, a.value * b.derivative)};
  }
  friend BIJOU_INLINE dual operator/(dual a, dual b) {
    const P q = a.value / b.value;
    return {q, fnma(q, b.derivative, a.derivative) / b.value};
  }
  friend BIJOU_INLINE dual operator+(dual a) { return a; }
  friend BIJOU_INLINE dual operator-(dual a) { return {-a.value, -a.derivative}; }
  BIJOU_INLINE dual& operator+=(dual b) { return *this = *this + b; }
  BIJOU_INLINE dual& operator-=(dual b) { return *this = *this - b; }
  BIJOU_INLINE dual& operator*=(dual b) { return *this = *this * b; }
  BIJOU_INLINE dual& operator/=(dual b) { return *this = *this / b; }

  friend BIJOU_INLINE auto operator<(dual a, dual b) { return a.value < b.value; }
  friend BIJOU_INLINE auto operator<=(dual a, dual b) { return a.value <= b.value; }
  friend BIJOU_INLINE auto operator>(dual a, dual b) { return a.value > b.value; }
  friend BIJOU_INLINE auto operator>=(dual a, dual b) { return a.value >= b.value; }
  friend BIJOU_INLINE auto operator==(dual a, dual b) { return a.value == b.value; }
  friend BIJOU_INLINE auto operator!=(dual a, dual b) { return a.value != b.value; }

 private:
  static BIJOU_INLINE P zero() { return P(value_type(0)); }
};

/// p with derivative 1: the variable to differentiate by.
template <class P> BIJOU_INLINE dual<P> variable(P p) { return {p, P(1)}; }

template <class P> BIJOU_INLINE auto isnan(dual<P> x) { return isnan(x.value); }
template <class M, class P> BIJOU_INLINE dual<P> select(M m, dual<P> a, dual<P> b) {
  return {select(m, a.value, b.value), select(m, a.derivative, b.derivative)};
}
template <class P> BIJOU_INLINE dual<P> min(dual<P> a, dual<P> b) { return select(a < b, a, b); }
template <class P> BIJOU_INLINE dual<P> max(dual<P> a, dual<P> b) { return select(a > b, a, b); }
template <class P> BIJOU_INLINE dual<P> abs(dual<P> x) {
  return {abs(x.value), select(x.value < P(0), -x.derivative, x.derivative)};
}
template <class P> BIJOU_INLINE dual<P> fma(dual<P> a, dual<P> b, dual<P> c) {
  return {fma(a.value, b.value, c.value),
          fma(a.value, b.derivative, fma(a.derivative, b.value, c.derivative))};
}
template <class P> BIJOU_INLINE dual<P> fnma(dual<P> a, dual<P> b, dual<P> c) {
  return fma(-a, b, c);
}

template <class P> BIJOU_INLINE dual<P> sqrt(dual<P> x) {
  const P r = sqrt(x.value);
  return {r, x.derivative / (r + r)};
}
template <class P> BIJOU_INLINE dual<P> exp(dual<P> x) {
  const P e = exp(x.value);
  return {e, e * x.derivative};
}
template <class P> BIJOU_INLINE dual<P> expm1(dual<P> x) {
  return {expm1(x.value), exp(x.value) * x.derivative};
}
template <class P> BIJOU_INLINE dual<P> log(dual<P> x) {
  return {log(x.value), x.derivative / x.value};
}
template <class P> BIJOU_INLINE dual<P> log1p(dual<P> x) {
  return {log1p(x.value), x.derivative / (P(1) + x.value)};
}

namespace detail {
/// s(x) s(-x) = e / (1 + e)^2, e = exp(-|x|): the derivative of the logistic function.
template <class P> BIJOU_INLINE P logistic_slope(P x) {
  const P e = exp(-abs(x)), r = P(1) / (P(1) + e);
  return e * r * r;
}
} // namespace detail

template <class P> BIJOU_INLINE dual<P> sigmoid(dual<P> x) {
  return {sigmoid(x.value), detail::logistic_slope(x.value) * x.derivative};
}
template <class P> BIJOU_INLINE dual<P> tanh(dual<P> x) {
  return {tanh(x.value), P(4) * detail::logistic_slope(x.value + x.value) * x.derivative};
}
template <class P> BIJOU_INLINE dual<P> sin(dual<P> x) {
  return {sin(x.value), cos(x.value) * x.derivative};
}
template <class P> BIJOU_INLINE dual<P> cos(dual<P> x) {
  return {cos(x.value), -sin(x.value) * x.derivative};
}
template <class P> BIJOU_INLINE dual<P> softplus(dual<P> x) {
  return {softplus(x.value), sigmoid(x.value) * x.derivative};
}
template <class P> BIJOU_INLINE dual<P> log_sigmoid(dual<P> x) {
  return {log_sigmoid(x.value), sigmoid(-x.value) * x.derivative};
}

} // namespace bijou::inline BIJOU_ISA::math

namespace bijou::inline BIJOU_ISA {
using math::dual;
} // namespace bijou::inline BIJOU_ISA

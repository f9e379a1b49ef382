#pragma once
/// \file
/// The functions of `<cmath>` for packs and duals under their standard names, so that a formula
/// which says `std::exp(x)` is as good as one which says `using math::exp; exp(x)`, with the same
/// bits.
///
/// They have to be in namespace std, for a qualified name is looked up nowhere else. The standard
/// reserves that namespace for itself; all compilers take overloads of types of one's own there,
/// and only calls with packs or duals find these. `#define BIJOU_NO_STD_FUNCTIONS` before the first
/// include of bijou leaves them out: calls of std::exp with a pack are errors then.
///
/// Functions of `<cmath>` that packs do not have are refused with a sentence.

#include <bijou/kernels/atan.hpp>
#include <bijou/kernels/dual.hpp>

#include <cmath>
#include <type_traits>

namespace bijou::inline BIJOU_ISA::math::detail {

template <class X> inline constexpr bool is_pack = false;
template <class T> inline constexpr bool is_pack<pack<T>> = true;
template <class X> inline constexpr bool is_dual = false;
template <class P> inline constexpr bool is_dual<dual<P>> = true;

/// Packs and duals. Weaker than the functions of math, which take pack<T> or dual<P> by name: where
/// both are visible there is no doubt.
template <class X>
concept lanes = is_pack<X> || is_dual<X>;

template <class A, class B> using lanes_of = std::conditional_t<lanes<A>, A, B>;

template <class X> BIJOU_INLINE X value_of(const X& x) { return x; }
template <class P> BIJOU_INLINE P value_of(const dual<P>& x) { return x.value; }

} // namespace bijou::inline BIJOU_ISA::math::detail

#ifndef BIJOU_NO_STD_FUNCTIONS
// NOLINTBEGIN(cert-dcl58-cpp): see above
namespace std {

#define BIJOU_STD_FUNCTION(NAME)                                                                   \
  template <bijou::math::detail::lanes X> BIJOU_INLINE auto NAME(const X& x) {                     \
    using bijou::math::NAME;                                                                       \
    return NAME(x);                                                                                \
  }
BIJOU_STD_FUNCTION(abs)
BIJOU_STD_FUNCTION(atan)
BIJOU_STD_FUNCTION(cos)
BIJOU_STD_FUNCTION(exp)
BIJOU_STD_FUNCTION(expm1)
BIJOU_STD_FUNCTION(isnan)
BIJOU_STD_FUNCTION(log)
BIJOU_STD_FUNCTION(log1p)
BIJOU_STD_FUNCTION(sin)
BIJOU_STD_FUNCTION(sqrt)
BIJOU_STD_FUNCTION(tanh)
#undef BIJOU_STD_FUNCTION

template <bijou::math::detail::lanes X> BIJOU_INLINE X fabs(const X& x) { return std::abs(x); }
template <bijou::math::detail::lanes X> BIJOU_INLINE X min(const X& a, const X& b) {
  using bijou::math::min;
  return min(a, b);
}
template <bijou::math::detail::lanes X> BIJOU_INLINE X max(const X& a, const X& b) {
  using bijou::math::max;
  return max(a, b);
}
template <bijou::math::detail::lanes X> BIJOU_INLINE X fma(const X& a, const X& b, const X& c) {
  using bijou::math::fma;
  return fma(a, b, c);
}

// What packs do not have. A dual asks for its pack, so that each formula gets one error; the text
// alone is a macro, for compilers quote macros.
#define BIJOU_NO_SUCH_FUNCTION                                                                     \
  "bijou: packs have no such function: write the formula with those of "                           \
  "<bijou/kernels/math.hpp>, such as x * x, or exp(b * log(a)) for a power"
template <bijou::math::detail::lanes X> X acos(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::acos(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X acosh(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::acosh(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X asin(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::asin(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X asinh(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::asinh(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X atanh(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::atanh(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X cbrt(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::cbrt(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X ceil(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::ceil(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X cosh(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::cosh(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X erf(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::erf(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X erfc(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::erfc(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X exp2(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::exp2(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X floor(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::floor(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X isfinite(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::isfinite(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X isinf(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::isinf(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X lgamma(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::lgamma(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X log10(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::log10(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X log2(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::log2(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X nearbyint(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::nearbyint(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X rint(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::rint(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X round(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::round(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X signbit(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::signbit(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X sinh(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::sinh(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X tan(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::tan(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X tgamma(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::tgamma(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <bijou::math::detail::lanes X> X trunc(const X& x) {
  if constexpr (bijou::math::detail::is_dual<X>) return std::trunc(x.value);
  static_assert(bijou::math::detail::is_dual<X>, BIJOU_NO_SUCH_FUNCTION);
  return x;
}
template <class A, class B>
  requires(bijou::math::detail::lanes<A> || bijou::math::detail::lanes<B>)
bijou::math::detail::lanes_of<A, B> atan2(const A& a, const B& b) {
  using namespace bijou::math::detail;
  constexpr bool has_dual = is_dual<A> || is_dual<B>;
  if constexpr (has_dual) return std::atan2(value_of(a), value_of(b));
  static_assert(has_dual, BIJOU_NO_SUCH_FUNCTION);
  return {};
}
template <class A, class B>
  requires(bijou::math::detail::lanes<A> || bijou::math::detail::lanes<B>)
bijou::math::detail::lanes_of<A, B> copysign(const A& a, const B& b) {
  using namespace bijou::math::detail;
  constexpr bool has_dual = is_dual<A> || is_dual<B>;
  if constexpr (has_dual) return std::copysign(value_of(a), value_of(b));
  static_assert(has_dual, BIJOU_NO_SUCH_FUNCTION);
  return {};
}
template <class A, class B>
  requires(bijou::math::detail::lanes<A> || bijou::math::detail::lanes<B>)
bijou::math::detail::lanes_of<A, B> fmax(const A& a, const B& b) {
  using namespace bijou::math::detail;
  constexpr bool has_dual = is_dual<A> || is_dual<B>;
  if constexpr (has_dual) return std::fmax(value_of(a), value_of(b));
  static_assert(has_dual, BIJOU_NO_SUCH_FUNCTION);
  return {};
}
template <class A, class B>
  requires(bijou::math::detail::lanes<A> || bijou::math::detail::lanes<B>)
bijou::math::detail::lanes_of<A, B> fmin(const A& a, const B& b) {
  using namespace bijou::math::detail;
  constexpr bool has_dual = is_dual<A> || is_dual<B>;
  if constexpr (has_dual) return std::fmin(value_of(a), value_of(b));
  static_assert(has_dual, BIJOU_NO_SUCH_FUNCTION);
  return {};
}
template <class A, class B>
  requires(bijou::math::detail::lanes<A> || bijou::math::detail::lanes<B>)
bijou::math::detail::lanes_of<A, B> fmod(const A& a, const B& b) {
  using namespace bijou::math::detail;
  constexpr bool has_dual = is_dual<A> || is_dual<B>;
  if constexpr (has_dual) return std::fmod(value_of(a), value_of(b));
  static_assert(has_dual, BIJOU_NO_SUCH_FUNCTION);
  return {};
}
template <class A, class B>
  requires(bijou::math::detail::lanes<A> || bijou::math::detail::lanes<B>)
bijou::math::detail::lanes_of<A, B> hypot(const A& a, const B& b) {
  using namespace bijou::math::detail;
  constexpr bool has_dual = is_dual<A> || is_dual<B>;
  if constexpr (has_dual) return std::hypot(value_of(a), value_of(b));
  static_assert(has_dual, BIJOU_NO_SUCH_FUNCTION);
  return {};
}
template <class A, class B>
  requires(bijou::math::detail::lanes<A> || bijou::math::detail::lanes<B>)
bijou::math::detail::lanes_of<A, B> pow(const A& a, const B& b) {
  using namespace bijou::math::detail;
  constexpr bool has_dual = is_dual<A> || is_dual<B>;
  if constexpr (has_dual) return std::pow(value_of(a), value_of(b));
  static_assert(has_dual, BIJOU_NO_SUCH_FUNCTION);
  return {};
}
#undef BIJOU_NO_SUCH_FUNCTION

} // namespace std
// NOLINTEND(cert-dcl58-cpp)
#endif

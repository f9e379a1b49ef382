#pragma once
/// \file
/// Reverse mode by scope: values that carry their cotangents back as they go out of scope.
///
/// Every operation on an active value gives another one that refers to its operands. C++ destroys
/// local variables in the opposite order of their birth, and each hands its cotangent back to its
/// operands when it is destroyed: the closing brace of a formula is its reverse sweep. There is no
/// tape object, no allocation, nothing virtual; what remains after inlining are multiply-adds.
///
///     {
///       auto height = dot(w, x, bias);   // of active values
///       auto ridge = tanh(height);
///       auto pushed = scale * ridge;
///       pushed.cotangent = g;            // where the reverse sweep begins
///     }                                  // w, x, bias and scale have theirs
///
/// The same formula with passive values is its evaluation: an operation of passive values alone
/// gives a passive one, with the bits that packs give, and there is nothing to sweep.
///
/// Because results refer to their operands, every operand has a name: exp(x * x) is refused.
/// Scalars stand for constants, as in 2.0 * x.
///
/// Griewank and Walther 2008, *Evaluating Derivatives*, chapter 3 (incremental reverse mode).

#include <bijou/kernels/simd.hpp>
#include <bijou/kernels/unroll.hpp>

#include <concepts>
#include <type_traits>

namespace bijou::inline BIJOU_ISA::reverse_mode {

/// A number, a lane for each sample, whose cotangent nobody asks for.
template <class T> struct passive {
  using value_type = T;
  static constexpr int size = 0; ///< no vector
  simd::pack<T> value;
};

/// A number and its cotangent, which results of it add to.
template <class T> struct active {
  using value_type = T;
  static constexpr int size = 0;
  simd::pack<T> value;
  mutable simd::pack<T> cotangent = simd::pack<T>(T(-0.0)); ///< -0 + g is g, and costs nothing

  BIJOU_INLINE explicit active(simd::pack<T> v) : value(v) {}
  /// Refused: a copy would keep the cotangents that it is given.
  active(const active& other) : value(other.value) {
    constexpr bool refers = sizeof(T) == 0;
    static_assert(refers,
                  "bijou: a value of a formula cannot be copied: refer to it, as in auto& same "
                  "= x");
  }
  active& operator=(const active&) = delete;
};

namespace detail {
using bijou::detail::at;
using bijou::detail::for_each_variable;

template <class X>
concept one_number = requires(const X& x) {
  { x.value } -> std::same_as<const simd::pack<typename X::value_type>&>;
};
template <class X>
concept some_numbers = (X::size > 0) && requires(X& x) { x.view(); };
} // namespace detail

/// A number or a vector of them, active or passive.
template <class X>
concept value =
    detail::one_number<std::remove_cvref_t<X>> || detail::some_numbers<std::remove_cvref_t<X>>;
/// What formulas are made of: values, and scalars as constants.
template <class X>
concept operand = value<X> || std::is_arithmetic_v<std::remove_cvref_t<X>>;

namespace detail {

// --- views: how an operation reads an operand and hands cotangents back to it

/// Of a passive operand: cotangents go nowhere.
template <class T> struct without_cotangents {
  using pack = simd::pack<T>;
  static constexpr bool is_active = false;
  BIJOU_INLINE void add(int, pack) const {}
  BIJOU_INLINE void add(int, pack, pack) const {}
  BIJOU_INLINE void subtract(int, pack) const {}
  BIJOU_INLINE void subtract(int, pack, pack) const {}
};
/// Of an active one; a View says what its cotangents are and takes others in their place.
template <class View, class T> struct with_cotangents {
  using pack = simd::pack<T>;
  static constexpr bool is_active = true;
  BIJOU_INLINE void add(int d, pack g) const { set(d, of(d) + g); }
  BIJOU_INLINE void add(int d, pack g, pack slope) const { set(d, fma(g, slope, of(d))); }
  BIJOU_INLINE void subtract(int d, pack g) const { set(d, of(d) - g); }
  BIJOU_INLINE void subtract(int d, pack g, pack slope) const { set(d, fnma(g, slope, of(d))); }

 private:
  BIJOU_INLINE pack of(int d) const { return static_cast<const View&>(*this).cotangent(d); }
  BIJOU_INLINE void set(int d, pack g) const {
    static_cast<const View&>(*this).set_cotangent(d, g);
  }
};

template <class T> struct constant_view : without_cotangents<T> {
  simd::pack<T> number;
  BIJOU_INLINE explicit constant_view(simd::pack<T> v) : number(v) {}
  BIJOU_INLINE simd::pack<T> value(int) const { return number; }
};
/// One number, for all variables where the others are vectors.
template <class T> struct number_view : with_cotangents<number_view<T>, T> {
  const active<T>& number;
  BIJOU_INLINE explicit number_view(const active<T>& x) : number(x) {}
  BIJOU_INLINE simd::pack<T> value(int) const { return number.value; }
  BIJOU_INLINE simd::pack<T> cotangent(int) const { return number.cotangent; }
  BIJOU_INLINE void set_cotangent(int, simd::pack<T> g) const { number.cotangent = g; }
};

template <class T, class X> BIJOU_INLINE auto view_of(X& x) {
  if constexpr (std::is_arithmetic_v<std::remove_cv_t<X>>)
    return constant_view<T>(simd::pack<T>(static_cast<T>(x)));
  else if constexpr (some_numbers<std::remove_cv_t<X>>)
    return x.view();
  else if constexpr (requires { x.cotangent; })
    return number_view<T>(x);
  else
    return constant_view<T>(x.value);
}

/// One variable of a view, as derivatives see it.
template <class View> struct cotangent_of {
  using pack = typename View::pack;
  const View& view;
  int d;
  BIJOU_INLINE void add(pack g) const { view.add(d, g); }
  BIJOU_INLINE void add(pack g, pack slope) const { view.add(d, g, slope); }
  BIJOU_INLINE void subtract(pack g) const { view.subtract(d, g); }
  BIJOU_INLINE void subtract(pack g, pack slope) const { view.subtract(d, g, slope); }
};

/// The scalar type of the first operand that has one.
template <class... X> struct scalar_of;
template <class X, class... More> struct scalar_of<X, More...> : scalar_of<More...> {};
template <class X, class... More>
  requires requires { typename X::value_type; }
struct scalar_of<X, More...> {
  using type = typename X::value_type;
};

} // namespace detail
} // namespace bijou::inline BIJOU_ISA::reverse_mode

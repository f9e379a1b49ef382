#pragma once
/// \file
/// Solutions of equations, primitives of reverse mode by scope (number.hpp): z with f(z, a, ...) =
/// 0.
///
/// The reverse sweep does not go through the steps that found z. By the implicit function theorem
/// dz/da = -(df/da) / (df/dz) at the solution, where dual numbers give both slopes of the equation.
///
/// An equation is an empty struct with
///
/// | member | what |
/// |---|---|
/// | `operator()(z, a...)` | f for packs and dual numbers over them, rising in z |
/// | `bounds(a...)` | a `root_bounds`: where to begin, and between what the solution lies |
/// | `rounding(z, a...)` | how large f may be where only rounding is left of it |
///
/// With `solve(a...)` in place of the last two it has a way of its own to the solution, and with
/// `slopes(z, a...)` in place of the first, which gives root_slopes, to its derivatives.

#include <bijou/kernels/bracketed_newton.hpp>
#include <bijou/kernels/dual.hpp>
#include <bijou/reverse/formulas.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace bijou::inline BIJOU_ISA::reverse_mode {

/// Where the search for a root begins, and two numbers that it lies between.
template <class P> struct root_bounds {
  P start, low, high;
};

/// The slopes of an equation by z, and by each of its other operands.
template <class P, std::size_t N> struct root_slopes {
  P by[N];
};

namespace functions {

/// The solution of an equation, as a function of its other operands.
template <class Equation> struct solution {
  static constexpr bool is_long = true;
  template <class P, class... A> BIJOU_INLINE static P value(P a, A... more) {
    const Equation f{};
    if constexpr (requires { f.solve(a, more...); }) {
      return f.solve(a, more...);
    } else {
      using T = typename P::value_type;
      const root_bounds<P> bounds = f.bounds(a, more...);
      return bijou::detail::bracketed_newton(
          bounds.start, bounds.low, bounds.high, [&](P z) __attribute__((always_inline)) {
            const auto y = f(dual<P>(z, one<P>()), dual<P>(a), dual<P>(more)...);
            return bijou::detail::newton_point<T>{y.value, y.derivative, f.rounding(z, a, more...)};
          });
    }
  }
  template <class P, class A> BIJOU_INLINE static void pull_back(P g, P z, P a, A to_a) {
    const auto f = slopes(z, a);
    to_a.subtract(g / f.by[0], f.by[1]);
  }
  template <class P, class A, class B>
  BIJOU_INLINE static void pull_back(P g, P z, P a, P b, A to_a, B to_b) {
    const auto f = slopes(z, a, b);
    const P by_f = g / f.by[0];
    to_a.subtract(by_f, f.by[1]);
    to_b.subtract(by_f, f.by[2]);
  }
  template <class P, class A, class B, class C>
  BIJOU_INLINE static void pull_back(P g, P z, P a, P b, P c, A to_a, B to_b, C to_c) {
    const auto f = slopes(z, a, b, c);
    const P by_f = g / f.by[0];
    to_a.subtract(by_f, f.by[1]);
    to_b.subtract(by_f, f.by[2]);
    to_c.subtract(by_f, f.by[3]);
  }

 private:
  template <class P> using dual = math::dual<P>;

  /// The slopes of f by z and by its other operands.
  template <class P, class... A> BIJOU_INLINE static auto slopes(P z, A... a) {
    if constexpr (requires { Equation{}.slopes(z, a...); })
      return Equation{}.slopes(z, a...);
    else
      return by_each(std::index_sequence_for<P, A...>{}, z, a...);
  }
  template <std::size_t... I, class... X>
  BIJOU_INLINE static auto by_each(std::index_sequence<I...> all, X... x) {
    using P = std::common_type_t<X...>;
    return root_slopes<P, sizeof...(I)>{{by_one<I>(all, x...)...}};
  }
  template <std::size_t One, std::size_t... I, class... X>
  BIJOU_INLINE static auto by_one(std::index_sequence<I...>, X... x) {
    return Equation{}(dual<X>(x, I == One ? one<X>() : X(0))...).derivative;
  }
};

} // namespace functions

/// The solution z of Equation's f(z, a, ...) = 0 for up to three operands; of vectors, variable by
/// variable. Cost: f and its slope once a step, of the lane that needs most; of its reverse sweep,
/// the slopes once.
template <class Equation, operand... A>
  requires(sizeof...(A) <= 3 && (value<A> || ...))
BIJOU_INLINE auto root(A&&... a) {
  static_assert(detail::named<A...>, BIJOU_NEEDS_NAME);
  static_assert(detail::matching<A...>, BIJOU_NEEDS_SIZE);
  return detail::apply<functions::solution<Equation>>(a...);
}
/// The same, its value kept for the reverse sweep: root_kept<Equation>(y.kept(), a, ...).
template <class Equation, class Place, operand... A>
  requires(sizeof...(A) <= 3 && (value<A> || ...))
BIJOU_INLINE auto root_kept(const Place& kept, A&&... a) {
  static_assert(detail::named<A...>, BIJOU_NEEDS_NAME);
  static_assert(detail::matching<A...>, BIJOU_NEEDS_SIZE);
  return detail::apply_kept<functions::solution<Equation>>(kept, a...);
}

} // namespace bijou::inline BIJOU_ISA::reverse_mode

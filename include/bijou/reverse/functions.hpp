#pragma once
/// \file
/// Functions and their derivatives: the elementwise primitives of reverse mode by scope
/// (number.hpp).
///
/// A function has a value and says what its operands' cotangents gain. `value` is what packs give,
/// to the bit; `pull_back(g, y, a, ..., to_a, ...)` gets the cotangent of the result, the result,
/// the operands and the places of their cotangents. Loops over variables are unrolled unless it
/// says that `is_long`.

#include <bijou/kernels/math.hpp>
#include <bijou/kernels/simd.hpp>

namespace bijou::inline BIJOU_ISA::reverse_mode::functions {

template <class P> BIJOU_INLINE P one() { return P(typename P::value_type(1)); }

struct sum {
  template <class P> BIJOU_INLINE static P value(P a, P b) { return a + b; }
  template <class P, class A, class B>
  BIJOU_INLINE static void pull_back(P g, P, P, P, A to_a, B to_b) {
    to_a.add(g);
    to_b.add(g);
  }
};
struct difference {
  template <class P> BIJOU_INLINE static P value(P a, P b) { return a - b; }
  template <class P, class A, class B>
  BIJOU_INLINE static void pull_back(P g, P, P, P, A to_a, B to_b) {
    to_a.add(g);
    to_b.subtract(g);
  }
};
struct product {
  template <class P> BIJOU_INLINE static P value(P a, P b) { return a * b; }
  template <class P, class A, class B>
  BIJOU_INLINE static void pull_back(P g, P, P a, P b, A to_a, B to_b) {
    to_a.add(g, b);
    to_b.add(g, a);
  }
};
struct quotient {
  template <class P> BIJOU_INLINE static P value(P a, P b) { return a / b; }
  template <class P, class A, class B>
  BIJOU_INLINE static void pull_back(P g, P y, P, P b, A to_a, B to_b) {
    const P by_b = g / b;
    to_a.add(by_b);
    to_b.subtract(by_b, y);
  }
};
/// 1 / a
struct reciprocal {
  template <class P> BIJOU_INLINE static P value(P a) { return one<P>() / a; }
  template <class P, class A> BIJOU_INLINE static void pull_back(P g, P y, P, A to_a) {
    to_a.subtract(g * y, y);
  }
};
struct negative {
  template <class P> BIJOU_INLINE static P value(P a) { return -a; }
  template <class P, class A> BIJOU_INLINE static void pull_back(P g, P, P, A to_a) {
    to_a.subtract(g);
  }
};
/// a * b + c
struct fused_sum {
  template <class P> BIJOU_INLINE static P value(P a, P b, P c) { return fma(a, b, c); }
  template <class P, class A, class B, class C>
  BIJOU_INLINE static void pull_back(P g, P, P a, P b, P, A to_a, B to_b, C to_c) {
    to_a.add(g, b);
    to_b.add(g, a);
    to_c.add(g);
  }
};
/// c - a * b
struct fused_difference {
  template <class P> BIJOU_INLINE static P value(P a, P b, P c) { return fnma(a, b, c); }
  template <class P, class A, class B, class C>
  BIJOU_INLINE static void pull_back(P g, P, P a, P b, P, A to_a, B to_b, C to_c) {
    to_a.subtract(g, b);
    to_b.subtract(g, a);
    to_c.add(g);
  }
};
struct square {
  template <class P> BIJOU_INLINE static P value(P a) { return a * a; }
  template <class P, class A> BIJOU_INLINE static void pull_back(P g, P, P a, A to_a) {
    to_a.add(g, a + a);
  }
};
/// At 0 the slope is taken as 0: it has none.
struct square_root {
  template <class P> BIJOU_INLINE static P value(P a) { return sqrt(a); }
  template <class P, class A> BIJOU_INLINE static void pull_back(P g, P y, P, A to_a) {
    to_a.add(select(y > P(0), g / (y + y), P(0)));
  }
};
/// At 0 the slope is taken as 0: it has none.
struct abs {
  template <class P> BIJOU_INLINE static P value(P a) { return bijou::simd::abs(a); }
  template <class P, class A> BIJOU_INLINE static void pull_back(P g, P, P a, A to_a) {
    to_a.add(select(a == P(0), P(0), copysign(one<P>(), a) * g));
  }
};
struct exp {
  static constexpr bool is_long = true;
  template <class P> BIJOU_INLINE static P value(P a) { return math::exp(a); }
  template <class P, class A> BIJOU_INLINE static void pull_back(P g, P y, P, A to_a) {
    to_a.add(g, y);
  }
};
struct log {
  static constexpr bool is_long = true;
  template <class P> BIJOU_INLINE static P value(P a) { return math::log(a); }
  template <class P, class A> BIJOU_INLINE static void pull_back(P g, P, P a, A to_a) {
    to_a.add(g / a);
  }
};
struct log1p {
  static constexpr bool is_long = true;
  template <class P> BIJOU_INLINE static P value(P a) { return math::log1p(a); }
  template <class P, class A> BIJOU_INLINE static void pull_back(P g, P, P a, A to_a) {
    to_a.add(g / (one<P>() + a));
  }
};
struct tanh {
  static constexpr bool is_long = true;
  template <class P> BIJOU_INLINE static P value(P a) { return math::tanh(a); }
  template <class P, class A> BIJOU_INLINE static void pull_back(P g, P y, P, A to_a) {
    to_a.add(g, fnma(y, y, one<P>()));
  }
};
struct sigmoid {
  static constexpr bool is_long = true;
  template <class P> BIJOU_INLINE static P value(P a) { return math::sigmoid(a); }
  template <class P, class A> BIJOU_INLINE static void pull_back(P g, P y, P a, A to_a) {
    to_a.add(g, y * math::sigmoid(-a)); // 1 - y would cancel
  }
};
struct softplus {
  static constexpr bool is_long = true;
  template <class P> BIJOU_INLINE static P value(P a) { return math::softplus(a); }
  template <class P, class A> BIJOU_INLINE static void pull_back(P g, P, P a, A to_a) {
    to_a.add(g, math::sigmoid(a));
  }
};
struct sin {
  static constexpr bool is_long = true;
  template <class P> BIJOU_INLINE static P value(P a) { return math::sin(a); }
  template <class P, class A> BIJOU_INLINE static void pull_back(P g, P, P a, A to_a) {
    to_a.add(g, math::cos(a));
  }
};
struct cos {
  static constexpr bool is_long = true;
  template <class P> BIJOU_INLINE static P value(P a) { return math::cos(a); }
  template <class P, class A> BIJOU_INLINE static void pull_back(P g, P, P a, A to_a) {
    to_a.subtract(g, math::sin(a));
  }
};

} // namespace bijou::inline BIJOU_ISA::reverse_mode::functions

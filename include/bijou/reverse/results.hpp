#pragma once
/// \file
/// What an operation of reverse mode by scope (number.hpp) gives: a number, a vector or a list that
/// refers to its operands, and hands its cotangent back to them when it goes out of scope.

#include <bijou/reverse/list.hpp>
#include <bijou/reverse/vector.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

/// What refused operands are told.
#define BIJOU_NEEDS_NAME                                                                           \
  "bijou: an operand of a formula needs a name, which results refer to: auto square = x * x; "     \
  "auto y "                                                                                        \
  "= exp(square); in place of exp(x * x)"
#define BIJOU_NEEDS_SIZE "bijou: the vectors of one operation have equally many variables"

namespace bijou::inline BIJOU_ISA::reverse_mode {
namespace detail {

/// The operands of one function.
template <class... Views> struct operands;
template <class A> struct operands<A> {
  using pack = typename A::pack;
  static constexpr bool active = A::is_active;
  A a;
  template <class F> BIJOU_INLINE pack value(int d) const { return F::value(a.value(d)); }
  template <class F> BIJOU_INLINE void pull_back(pack g, pack y, int d) const {
    F::pull_back(g, y, a.value(d), cotangent_of<A>{a, d});
  }
};
template <class A, class B> struct operands<A, B> {
  using pack = typename A::pack;
  static constexpr bool active = A::is_active || B::is_active;
  A a;
  B b;
  template <class F> BIJOU_INLINE pack value(int d) const {
    return F::value(a.value(d), b.value(d));
  }
  template <class F> BIJOU_INLINE void pull_back(pack g, pack y, int d) const {
    F::pull_back(g, y, a.value(d), b.value(d), cotangent_of<A>{a, d}, cotangent_of<B>{b, d});
  }
};
template <class A, class B, class C> struct operands<A, B, C> {
  using pack = typename A::pack;
  static constexpr bool active = A::is_active || B::is_active || C::is_active;
  A a;
  B b;
  C c;
  template <class F> BIJOU_INLINE pack value(int d) const {
    return F::value(a.value(d), b.value(d), c.value(d));
  }
  template <class F> BIJOU_INLINE void pull_back(pack g, pack y, int d) const {
    F::pull_back(g, y, a.value(d), b.value(d), c.value(d), cotangent_of<A>{a, d},
                 cotangent_of<B>{b, d}, cotangent_of<C>{c, d});
  }
};

/// f(0) ... f(N - 1), each a computation of F: unrolled, but for long ones, whose code repeated is
/// nothing but work for the compiler.
template <class F, int N, class Each> BIJOU_INLINE void for_each_of(Each&& f) {
  if constexpr (requires { requires F::is_long && N > 1; })
    for (int d = 0; d < N; ++d) f(d);
  else
    for_each_variable<N>(f);
}

/// Says that a result's value was kept, and need not be computed.
struct from_kept {};

/// Keeps a value, or a vector of them, where the reverse sweep finds it.
template <class Place, class Y> BIJOU_INLINE void store_kept(const Place& place, const Y& y) {
  if constexpr (Y::size == 0)
    place.store(0, y.value);
  else
    for_each_variable<Y::size>([&](int d) __attribute__((always_inline)) {
      place.store(d, at(y.values, d));
    });
}

/// An active number that came of others.
template <class T, class F, class Operands> class number_result : public active<T> {
 public:
  // Made in place from the operands: a struct that is copied first stays in memory.
  template <class... X>
  BIJOU_INLINE explicit number_result(X&... x)
      : active<T>(F::value(view_of<T>(x).value(0)...)), operands_{view_of<T>(x)...} {}
  template <class... X>
  BIJOU_INLINE number_result(from_kept, simd::pack<T> kept, X&... x)
      : active<T>(kept), operands_{view_of<T>(x)...} {}
  BIJOU_INLINE ~number_result() {
    operands_.template pull_back<F>(this->cotangent, this->value, 0);
  }

 private:
  Operands operands_;
};
/// An active vector that came of others.
template <class T, int D, class F, class Operands>
class elementwise_result : public active_vector<T, D> {
 public:
  template <class... X>
  BIJOU_INLINE explicit elementwise_result(X&... x) : operands_{view_of<T>(x)...} {
    for_each_of<F, D>([&](int d) __attribute__((always_inline)) {
      at(this->values, d) = operands_.template value<F>(d);
    });
  }
  template <class Place, class... X>
  BIJOU_INLINE elementwise_result(from_kept, const Place& kept, X&... x)
      : operands_{view_of<T>(x)...} {
    for_each_variable<D>([&](int d) __attribute__((always_inline)) {
      at(this->values, d) = kept.load(d);
    });
  }
  BIJOU_INLINE ~elementwise_result() {
    const auto here = this->view();
    const Operands o = operands_;
    for_each_of<F, D>([&](int d) __attribute__((always_inline)) {
      o.template pull_back<F>(here.cotangent(d), here.value(d), d);
    });
  }

 private:
  Operands operands_;
};

/// An active list that came of others.
template <class T, int D, class F, class Operands> class list_result : public active_list<T, D> {
 public:
  template <class... X>
  BIJOU_INLINE explicit list_result(X&... x) : operands_{block_view_of<T, D>(x)...} {
    const Operands o = operands_;
    T* const values = this->values_.numbers.data();
    for_each_of<F, blocks_of<T, D>>([&](int b) __attribute__((always_inline)) {
      o.template value<F>(b).store(values + b * simd::pack<T>::size);
    });
  }
  BIJOU_INLINE ~list_result() {
    const auto here = this->view();
    const Operands o = operands_;
    for_each_of<F, blocks_of<T, D>>([&](int b) __attribute__((always_inline)) {
      o.template pull_back<F>(here.cotangent(b), here.value(b), b);
    });
  }

 private:
  Operands operands_;
};

/// Whether an operand lives as long as the formula: it has a name, or is a constant.
template <class X>
concept lasting = std::is_lvalue_reference_v<X> || std::is_arithmetic_v<std::remove_cvref_t<X>>;

/// Variables of an operand, 0 of a number; of several, those of the first vector.
template <class X> constexpr int size_of() {
  if constexpr (std::is_arithmetic_v<X>)
    return 0;
  else
    return X::size;
}
template <class... X> constexpr int common_size() {
  int size = 0;
  ((size = size > 0 ? size : size_of<std::remove_cvref_t<X>>()), ...);
  return size;
}

/// Whether an operand has a cotangent.
template <class X> constexpr bool is_active() {
  using V = std::remove_cvref_t<X>;
  if constexpr (some_numbers<V>)
    return decltype(std::declval<const V&>().view())::is_active;
  else
    return requires(const V& x) { x.cotangent; };
}

// What is refused where a gradient is asked for, and said once: evaluation refers to nothing. These
// are not concepts, which compilers explain at length: a sentence is all that is to be said.
template <class... X> inline constexpr bool named = (lasting<X> && ...) || !(is_active<X>() || ...);
template <class... X>
inline constexpr bool matching = ((size_of<std::remove_cvref_t<X>>() == 0 ||
                                   size_of<std::remove_cvref_t<X>>() == common_size<X...>()) &&
                                  ...) ||
                                 !(is_active<X>() || ...);

/// F of numbers and vectors of samples.
template <class F, class T, int D, class... X> BIJOU_INLINE auto apply_to_samples(X&... x) {
  using all = operands<decltype(view_of<T>(x))...>;
  if constexpr (D == 0) {
    if constexpr (all::active)
      return number_result<T, F, all>(x...);
    else
      return passive<T>{F::value(view_of<T>(x).value(0)...)};
  } else if constexpr (all::active) {
    return elementwise_result<T, D, F, all>(x...);
  } else {
    const all o{view_of<T>(x)...};
    passive_vector<T, D> y;
    for_each_of<F, D>([&](int d) __attribute__((always_inline)) {
      at(y.values, d) = o.template value<F>(d);
    });
    return y;
  }
}

/// F of some operands of which one is a list.
template <class F, class T, int D, class... X> BIJOU_INLINE auto apply_to_lists(X&... x) {
  using all = operands<decltype(block_view_of<T, D>(x))...>;
  if constexpr (all::active) {
    return list_result<T, D, F, all>(x...);
  } else {
    const all o{block_view_of<T, D>(x)...};
    passive_list<T, D> y;
    T* const values = y.data();
    for_each_of<F, blocks_of<T, D>>([&](int b) __attribute__((always_inline)) {
      o.template value<F>(b).store(values + b * simd::pack<T>::size);
    });
    return y;
  }
}

/// F of some operands: passive if all of them are.
template <class F, class... X> BIJOU_INLINE auto apply(X&... x) {
  using T = typename scalar_of<std::remove_cv_t<X>...>::type;
  constexpr int D = common_size<X...>();
  if constexpr ((some_list<std::remove_cv_t<X>> || ...))
    return apply_to_lists<F, T, D>(x...);
  else
    return apply_to_samples<F, T, D>(x...);
}
/// F of operands of samples, its value kept: see kept_place (output.hpp).
template <class F, class Place, class... X>
BIJOU_INLINE auto apply_kept(const Place& kept, X&... x) {
  using T = typename scalar_of<std::remove_cv_t<X>...>::type;
  constexpr int D = common_size<X...>();
  const auto place = kept.template take < D == 0 ? 1 : D > ();
  if constexpr (Place::loads) {
    using all = operands<decltype(view_of<T>(x))...>;
    if constexpr (D == 0)
      return number_result<T, F, all>(from_kept{}, place.load(0), x...);
    else
      return elementwise_result<T, D, F, all>(from_kept{}, place, x...);
  } else {
    auto y = apply<F>(x...);
    if (place) store_kept(place, y);
    return y;
  }
}

/// An active vector that an operation made.
template <class Operation>
class operation_result : public active_vector<typename Operation::value_type, Operation::size> {
 public:
  BIJOU_INLINE explicit operation_result(const Operation& o) : operation_(o) {
    operation_.evaluate(this->values.data());
  }
  template <class Place>
  BIJOU_INLINE operation_result(from_kept, const Place& kept, const Operation& o) : operation_(o) {
    for_each_variable<Operation::size>([&](int d) __attribute__((always_inline)) {
      at(this->values, d) = kept.load(d);
    });
  }
  BIJOU_INLINE ~operation_result() {
    operation_.pull_back(this->cotangents.data(), this->values.data());
  }

 private:
  Operation operation_;
};

/// The vector that an operation of several operands makes. An operation is a struct of views with
/// `value_type`, `size`, `is_active`, `evaluate(y)` and `pull_back(g, y)`, which hands the
/// cotangents g of y to its operands, and may use both up.
template <class Operation> BIJOU_INLINE auto vector_made_by(const Operation& o) {
  if constexpr (Operation::is_active) {
    return operation_result<Operation>(o);
  } else {
    passive_vector<typename Operation::value_type, Operation::size> y;
    o.evaluate(y.values.data());
    return y;
  }
}
/// The same, kept for the reverse sweep.
template <class Operation, class Place>
BIJOU_INLINE auto vector_made_by(const Operation& o, const Place& kept) {
  const auto place = kept.template take<Operation::size>();
  if constexpr (Place::loads) {
    return operation_result<Operation>(from_kept{}, place, o);
  } else {
    auto y = vector_made_by(o);
    if (place) store_kept(place, y);
    return y;
  }
}

} // namespace detail
} // namespace bijou::inline BIJOU_ISA::reverse_mode

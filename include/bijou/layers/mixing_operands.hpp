#pragma once
/// \file
/// What stands for the parameters of a word that mixes variables in its formulas, where all samples
/// share them: while a tile is prepared, and while its samples run.

#include <bijou/kernels/lane_sums.hpp>
#include <bijou/layers/mixing_parameters.hpp>
#include <bijou/reverse/matrix.hpp>

#include <cstddef>
#include <utility>

namespace bijou::inline BIJOU_ISA::detail {

/// A prepared number, as the samples of a tile share it.
template <class T> class shared_number : public reverse_mode::active<T> {
 public:
  BIJOU_INLINE explicit shared_number(const reverse_mode::active<T>& of)
      : reverse_mode::active<T>(of.value), of_(of) {}
  BIJOU_INLINE ~shared_number() { of_.cotangent = of_.cotangent + this->cotangent; }

 private:
  const reverse_mode::active<T>& of_;
};
/// A prepared list, as the samples share it.
template <class T, int D> class shared_list : public reverse_mode::active_parameters<T, D> {
 public:
  BIJOU_INLINE explicit shared_list(const reverse_mode::active_list<T, D>& of)
      : reverse_mode::active_parameters<T, D>(of.data()), of_(of) {}
  BIJOU_INLINE ~shared_list() {
    reverse_mode::detail::list_numbers<T, D> sums;
    reverse_mode::detail::sum_lanes<D>(this->view().sums, sums.numbers.data());
    const auto to = of_.view();
    const T* const from = sums.numbers.data();
    reverse_mode::detail::for_each_variable<reverse_mode::detail::blocks_of<T, D>>([&](
        int b) __attribute__((always_inline)) {
      to.add(b, simd::pack<T>::load(from + b * simd::pack<T>::size));
    });
  }

 private:
  const reverse_mode::active_list<T, D>& of_;
};
/// What stands for a prepared value while the strips run.
template <class X> BIJOU_INLINE auto shared_by_samples(const X& x) {
  using T = typename X::value_type;
  if constexpr (reverse_mode::detail::some_matrix<X>) {
    if constexpr (X::is_active)
      return reverse_mode::detail::shared_matrix<T, X::rows, X::columns>(x);
    else
      return reverse_mode::passive_matrix<T, X::rows, X::columns>(x.data());
  } else if constexpr (reverse_mode::detail::some_list<X>) {
    if constexpr (decltype(x.view())::is_active)
      return shared_list<T, X::size>(x);
    else
      return reverse_mode::passive_parameters<T, X::size>(x.data());
  } else if constexpr (requires { x.cotangent; }) {
    return shared_number<T>(x);
  } else {
    return reverse_mode::passive<T>{x.value};
  }
}

/// Parameters that add to their place in the gradient when their tile is done.
template <class T> class number_parameter : public reverse_mode::active<T> {
 public:
  BIJOU_INLINE number_parameter(const T* theta, T* gradient)
      : reverse_mode::active<T>(simd::pack<T>(*theta)), gradient_(gradient) {}
  BIJOU_INLINE ~number_parameter() { *gradient_ += sum_of_lanes(this->cotangent); }

 private:
  T* gradient_;
};
template <class T, int D> class list_parameter : public reverse_mode::active_list<T, D> {
 public:
  BIJOU_INLINE list_parameter(const T* theta, T* gradient)
      : reverse_mode::active_list<T, D>(theta), gradient_(gradient) {}
  BIJOU_INLINE ~list_parameter() {
    T* const gradient = gradient_;
    const T* const sums = this->cotangents();
    for (int d = 0; d < D; ++d) gradient[d] += sums[d];
  }

 private:
  T* gradient_;
};

/// Parameter I of a map, as prepare gets it, by its numbers and their places in the gradient.
template <class Layout, std::size_t I, class T>
BIJOU_INLINE auto passive_parameter(const T* theta) {
  constexpr parameter p = Layout::list[I];
  const T* const numbers = theta + Layout::first(I);
  if constexpr (p.is_matrix())
    return reverse_mode::passive_matrix<T, p.rows, p.columns>(numbers);
  else if constexpr (p.rows > 0)
    return reverse_mode::passive_list<T, p.rows>(numbers);
  else
    return reverse_mode::passive<T>{simd::pack<T>(*numbers)};
}
template <class Layout, std::size_t I, class T>
BIJOU_INLINE auto active_parameter(const T* theta, T* gradient) {
  constexpr parameter p = Layout::list[I];
  constexpr int first = Layout::first(I);
  if constexpr (p.is_matrix())
    return reverse_mode::active_matrix<T, p.rows, p.columns>(theta + first, gradient + first);
  else if constexpr (p.rows > 0)
    return list_parameter<T, p.rows>(theta + first, gradient + first);
  else
    return number_parameter<T>(theta + first, gradient + first);
}

/// run(p...) with what a map's forward and inverse get, prepared by the map if it prepares
/// anything; parameter.operator()<I>() makes its I-th parameter.
template <class Map, int D, class Parameter, class Run>
BIJOU_INLINE void prepare(const Map& map, direction way, const Parameter& parameter,
                          const Run& run) {
  [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
    const auto prepared = [&](const auto&... p) __attribute__((always_inline)) {
      if constexpr (prepares_by_direction<Map>)
        map.prepare(way, p..., run);
      else if constexpr (names_prepare<Map>)
        map.prepare(p..., run);
      else
        run(p...);
    };
    prepared(parameter.template operator()<I>()...);
  }
  (std::make_index_sequence<mixing_layout<Map, D>::list.size()>{});
}

/// The same where samples share what is prepared: run(0, lanes, p...), once.
template <class Map, int D, class Parameter, class Run>
BIJOU_INLINE void prepare_shared(const Map& map, direction way, int lanes,
                                 const Parameter& parameter, const Run& run) {
  const auto run_all = [&](const auto&... p) __attribute__((always_inline)) {
    run(0, lanes, p...);
  };
  prepare<Map, D>(
      map, way, parameter, [&](const auto&... p) __attribute__((always_inline)) {
        run_all(shared_by_samples(p)...);
      });
}

/// Operands of mixing_formulas: parameters at theta that samples share.
template <class T, class Map, int D> struct shared_values {
  const T* theta;

  template <class Run>
  BIJOU_INLINE void for_strips(const Map& map, direction way, int lanes, const Run& run) const {
    prepare_shared<Map, D>(
        map, way, lanes,
        [theta = theta]<std::size_t I>() __attribute__((always_inline)) {
          return passive_parameter<mixing_layout<Map, D>, I>(theta);
        },
        run);
  }
};
/// The same with cotangents, which are added to the gradient.
template <class T, class Map, int D> struct shared_cotangents {
  const T* theta;
  T* gradient;

  template <class Run>
  BIJOU_INLINE void for_strips(const Map& map, direction way, int lanes, const Run& run) const {
    prepare_shared<Map, D>(
        map, way, lanes,
        [ theta = theta, gradient = gradient ]<std::size_t I>() __attribute__((always_inline)) {
          return active_parameter<mixing_layout<Map, D>, I>(theta, gradient);
        },
        run);
  }
};

} // namespace bijou::inline BIJOU_ISA::detail

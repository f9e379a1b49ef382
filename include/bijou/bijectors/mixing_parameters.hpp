#pragma once
/// \file
/// Parameters of words that mix variables: what a map says of them, and what stands for them in its
/// formulas.

#include <bijou/bijectors/word_parameters.hpp>
#include <bijou/reverse/list.hpp>

#include <array>
#include <cstddef>

namespace bijou::inline BIJOU_ISA {

/// A learned number or vector of a word that mixes variables: its name in files, its size (0: a
/// number) and the normal distribution that it begins with.
struct parameter {
  const char* name;
  int size = 0;
  double mean = 0, deviation = 0;

  constexpr parameter normal(double centre, double spread) const {
    return {name, size, centre, spread};
  }
};

namespace detail {

// Whether a map has a member of some name. The members are templates, which no expression finds
// without arguments; but with a second member of that name the name is ambiguous.
#define BIJOU_NAMES(NAME)                                                                          \
  struct also_##NAME {                                                                             \
    int NAME;                                                                                      \
  };                                                                                               \
  template <class Map> struct with_##NAME : Map, also_##NAME {};                                   \
  template <class Map>                                                                             \
  concept names_##NAME = !requires { &with_##NAME<Map>::NAME; };
BIJOU_NAMES(forward)
BIJOU_NAMES(inverse)
BIJOU_NAMES(prepare)
BIJOU_NAMES(parameters)
#undef BIJOU_NAMES
template <class Map> inline constexpr bool has_inverse = names_inverse<Map>;

/// The D of a map that has one; 0 for maps of any.
template <class Map> constexpr int size_of_map() {
  if constexpr (requires { Map::size; })
    return Map::size;
  else
    return 0;
}
/// Its parameters, which may depend on D: a list for all D, or a template of lists.
template <class Map, int D> constexpr auto parameters_of_map() {
  if constexpr (requires { Map::parameters.size(); })
    return Map::parameters;
  else if constexpr (names_parameters<Map>)
    return Map::template parameters<D>;
  else
    return std::array<parameter, 0>{};
}

/// Places of a map's parameters, as word_parameters wants them.
template <class Map, int D> struct mixing_parameters {
  static constexpr auto list = parameters_of_map<Map, D>();
  static constexpr int numbers_in(const parameter& p) { return p.size == 0 ? 1 : p.size; }
  static constexpr int first(std::size_t i) {
    int at = 0;
    for (std::size_t k = 0; k < i; ++k) at += numbers_in(list[k]);
    return at;
  }
  static constexpr int count = first(list.size());
  static constexpr auto tensors = [] {
    std::array<word_tensor, list.size()> t{};
    for (std::size_t i = 0; i < list.size(); ++i)
      t[i] = word_tensor{list[i].name, first(i), numbers_in(list[i])};
    return t;
  }();
};

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
  if constexpr (reverse_mode::detail::some_list<X>) {
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

} // namespace detail
} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// What stands for the parameters of a word that mixes variables in its formulas, where a network
/// gives each sample its own: rows of a tile, the outputs of the network.

#include <bijou/layers/mixing_operands.hpp>
#include <bijou/reverse/matrix_rows.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace bijou::inline BIJOU_ISA::detail {

/// Which output of a network is which parameter: those that the map owns, in the order of its list.
template <class Map, int D> class driven_outputs {
  using layout = mixing_layout<Map, D>;
  using table = std::array<int, static_cast<std::size_t>(layout::count)>;

 public:
  static constexpr auto list = layout::list;
  /// parameter's place -> output; -1 where the map has none
  static constexpr table position = [] {
    table outputs{};
    int next = 0;
    for (std::size_t i = 0; i < list.size(); ++i)
      for (int k = 0; k < list[i].size(); ++k)
        at(outputs, layout::first(i) + k) = list[i].owns(k) ? next++ : -1;
    return outputs;
  }();
  static constexpr int count =
      layout::count - static_cast<int>(std::count(position.begin(), position.end(), -1));
  /// The same for the diagonal of a matrix, from its first place on.
  static constexpr table diagonal = [] {
    table outputs{};
    for (std::size_t i = 0; i < list.size(); ++i)
      for (int d = 0; d < std::min(list[i].rows, list[i].columns); ++d)
        at(outputs, layout::first(i) + d) =
            at(position, layout::first(i) + d * list[i].columns + d);
    return outputs;
  }();
  static constexpr const int* position_of(std::size_t i) {
    return position.data() + layout::first(i);
  }
  static constexpr const int* diagonal_of(std::size_t i) {
    return diagonal.data() + layout::first(i);
  }
};

/// A number of each sample, whose cotangent is stored when its strip is done.
template <class T> class number_of_samples : public reverse_mode::active<T> {
 public:
  BIJOU_INLINE number_of_samples(const T* from, T* to)
      : reverse_mode::active<T>(simd::pack<T>::load(from)), to_(to) {}
  BIJOU_INLINE ~number_of_samples() { this->cotangent.store(to_); }

 private:
  T* to_;
};

/// Operands of mixing_formulas: the outputs of a network, rows of L lanes.
template <class T, int L, class Map, int D> struct values_of_samples {
  using outputs = driven_outputs<Map, D>;
  const T* rows;

  template <class Run>
  BIJOU_INLINE void for_strips(const Map& map, direction way, int lanes, const Run& run) const {
    constexpr int w = simd::pack<T>::size;
    for (int s = 0; s < lanes; s += w)
      prepare<Map, D>(
          map, way,
          [from = rows + s]<std::size_t I>()
              __attribute__((always_inline)) { return parameter_of<I>(from); },
          [&](const auto&... p) __attribute__((always_inline)) { run(s, s + w, p...); });
  }

 private:
  template <std::size_t I> BIJOU_INLINE static auto parameter_of(const T* strip) {
    constexpr parameter p = outputs::list[I];
    constexpr const int* position = outputs::position_of(I);
    if constexpr (p.is_matrix())
      return reverse_mode::passive_matrix_rows<T, L, p.rows, p.columns>(strip, position,
                                                                        outputs::diagonal_of(I));
    else if constexpr (p.rows > 0)
      return reverse_mode::passive_rows<T, L, p.rows>(strip, position);
    else
      return reverse_mode::passive<T>{simd::pack<T>::load(strip + std::ptrdiff_t{*position} * L)};
  }
};
/// The same with cotangents, which are written to the same rows of a second block.
template <class T, int L, class Map, int D> struct cotangents_of_samples {
  using outputs = driven_outputs<Map, D>;
  const T* rows;
  T* cotangents;

  template <class Run>
  BIJOU_INLINE void for_strips(const Map& map, direction way, int lanes, const Run& run) const {
    constexpr int w = simd::pack<T>::size;
    for (int r = 0; r < outputs::count; ++r) std::fill_n(cotangents + r * L, lanes, T(-0.0));
    for (int s = 0; s < lanes; s += w)
      prepare<Map, D>(
          map, way,
          [ from = rows + s, to = cotangents + s ]<std::size_t I>()
              __attribute__((always_inline)) { return parameter_of<I>(from, to); },
          [&](const auto&... p) __attribute__((always_inline)) { run(s, s + w, p...); });
  }

 private:
  template <std::size_t I> BIJOU_INLINE static auto parameter_of(const T* strip, T* g) {
    constexpr parameter p = outputs::list[I];
    constexpr const int* position = outputs::position_of(I);
    if constexpr (p.is_matrix())
      return reverse_mode::active_matrix_rows<T, L, p.rows, p.columns>(strip, g, position,
                                                                       outputs::diagonal_of(I));
    else if constexpr (p.rows > 0)
      return reverse_mode::active_rows<T, L, p.rows>(strip, g, position);
    else
      return number_of_samples<T>(strip + std::ptrdiff_t{*position} * L,
                                  g + std::ptrdiff_t{*position} * L);
  }
};

} // namespace bijou::inline BIJOU_ISA::detail

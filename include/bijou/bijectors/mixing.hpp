#pragma once
/// \file
/// Words that mix variables, from a user's formulas: `mixing(my_map)`.
///
/// A map is a struct that says what its parameters are and how a sample moves. Its gradients, in
/// both directions and by parameters, are derived: see reverse/number.hpp.
///
///     struct kick {
///       static constexpr int size = 2; // position, momentum
///       static constexpr std::array parameters{parameter{"strength"}.normal(0.1, 0.01)};
///
///       void forward(const auto& x, auto& y, const auto& strength) const {
///         auto position = x[0], momentum = x[1];
///         auto wave = sin(position);
///         auto moved = fnma(strength, wave, momentum); // momentum - strength wave
///         y.set(1, moved);                             // the position stays; log-det 0
///       }
///     };
///     auto q = make_flow<double>(normal<2> | mixing(kick{}) | affine);
///
/// What is made is said last: make_flow throws std::invalid_argument if a formula reads a variable
/// of x after it has set that of y. layers/mixing_formulas.hpp lists what a map may have: an
/// inverse, values prepared once a tile, values kept for the reverse sweep.

#include <bijou/grammar/pipe.hpp>
#include <bijou/grammar/place.hpp>
#include <bijou/layers/mixing_layer.hpp>
#include <bijou/reverse/roots.hpp>
#include <bijou/reverse/triangles.hpp>

#include <cstddef>
#include <string>
#include <utility>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// Formulas as gradients use them, to be instantiated where mixing(map) is written: a mistake in
/// them is then reported there, and not deep inside a flow.
template <class Map, int D, class Indices> struct mixing_probe;
template <class Map, int D, std::size_t... I>
struct mixing_probe<Map, D, std::index_sequence<I...>> {
  static constexpr int L = simd::pack<float>::size;
  using layout = mixing_layout<Map, D>;
  using given = reverse_mode::active_rows<float, L, D>;
  using made = reverse_mode::output<reverse_mode::purpose::cotangents, cotangent_rows<float, L, D>>;
  template <std::size_t K>
  using prepared =
      decltype(active_parameter<layout, K>(std::declval<const float*>(), std::declval<float*>()));
  template <std::size_t K>
  using shared = decltype(shared_by_samples(std::declval<const prepared<K>&>()));

  static void without_prepare(const Map& m, const given& x, made& y, const shared<I>&... p) {
    m.forward(x, y, p...);
    if constexpr (has_inverse<Map>) m.inverse(x, y, p...);
  }
  static void with_prepare(const Map& m, const given& x, made& y, const prepared<I>&... p) {
    const auto then = [&](const auto&... q) {
      const auto run = [&](const auto&... r) {
        m.forward(x, y, r...);
        if constexpr (has_inverse<Map>) m.inverse(x, y, r...);
      };
      run(shared_by_samples(q)...);
    };
    if constexpr (prepares_by_direction<Map>)
      m.prepare(direction::forward, p..., then);
    else
      m.prepare(p..., then);
  }
};

} // namespace detail

/// A word of formulas, on variables that are all on the line: what mixing() makes, and the words of
/// this folder that have formulas. IsChecked: make_flow looks for one that reads what it has
/// overwritten.
template <class Map, bool IsChecked = false> struct mixing_t {
  using bijou_tag = word_tag;
  using map_type = Map;
  static constexpr bool is_checked = IsChecked;
  static constexpr rule what = rule::learned;
  static constexpr int size = detail::size_of_map<Map>();
  static constexpr bool invertible = detail::has_inverse<Map>;
  static constexpr const char* inverse_by = detail::inverse_of_map_by<Map>();
  [[no_unique_address]] Map map;

  template <int D> static constexpr misfit fits(const place<D>& p) {
    if (size != 0 && size != D) return misfit::size;
    if (D % detail::channels_of_map<Map>() != 0) return misfit::channels;
    return p.is_all(kind::line) ? misfit::none : misfit::support;
  }
  template <int D> static constexpr place<D> after(const place<D>& p) { return p; }
  template <int D>
  static constexpr misfit fits_back(const place<D>& p)
    requires invertible
  {
    return fits(p);
  }
  template <int D>
  static constexpr place<D> before(const place<D>& p)
    requires invertible
  {
    return p;
  }

  template <class T, int L, int D, int C> using layer = mixing_layer<T, L, D, Map>;
  template <class T, int L, int D, int C>
  layer<T, L, D, C> make_layer(const detail::index_table<D>& position) const {
    layer<T, L, D, C> made(position, map);
    if constexpr (IsChecked) made.check_order(text());
    return made;
  }
  /// What files are checked against: the map's `text()` or `name`.
  std::string text() const { return text_or_name(map, "mixing(...)"); }
};

/// A word of one's own formulas: see the top of this file. Without an inverse the flow scores its
/// own samples only.
template <class Map> constexpr auto mixing(Map map) {
  constexpr bool has_forward = detail::names_forward<Map>;
  static_assert(has_forward,
                "bijou: mixing(map) needs map.forward(x, y, parameters...), which reads "
                "x and says what y is: y.set(d, value), y.add(vector), y.log_det(value)");
  if constexpr (has_forward) {
    constexpr int size = detail::size_of_map<Map>(), D = size > 0 ? size : 2;
    using layout = detail::mixing_layout<Map, D>;
    using probe = detail::mixing_probe<Map, D, std::make_index_sequence<layout::list.size()>>;
    if constexpr (detail::names_prepare<Map>)
      (void)&probe::with_prepare;
    else
      (void)&probe::without_prepare;
    return mixing_t<Map, true>{map};
  } else {
    return detail::refused_t{};
  }
}

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// The fused program an expression becomes: its layers, run one after another on a tile or event.
///
/// A tile walks the whole chain while it is in cache. Nothing here knows of batches, bases or
/// files.

#include <bijou/bijectors/conditioners/network_options.hpp>
#include <bijou/flow/chain_layers.hpp>
#include <bijou/kernels/direction.hpp>
#include <bijou/kernels/saturation.hpp>
#include <bijou/layers/layer.hpp>

#include <boost/hana/at.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// What all layers need together, in rows of L lanes.
template <class Tuple> struct layer_needs;
template <class... Layers> struct layer_needs<boost::hana::basic_tuple<Layers...>> {
  static constexpr int count = sizeof...(Layers);
  static constexpr int scratch_rows = std::max({1, Layers::scratch_rows...});
  static constexpr int tape_rows = (0 + ... + Layers::tape_rows);
  static constexpr int folded_size = (0 + ... + Layers::folded_size);
  /// Where the tape of a layer begins.
  static constexpr std::array<int, sizeof...(Layers) + 1> tape_at = [] {
    std::array<int, sizeof...(Layers) + 1> at{};
    std::size_t i = 0;
    ((at[i + 1] = at[i] + Layers::tape_rows, ++i), ...);
    return at;
  }();
};

/// Lanes of a flow's tiles: wide ones where a network has fewer than 8 units a degree, or where
/// even so every hidden layer stays in the first-level cache (setting up a product then costs as
/// much as some of its columns); half as many where a network's hidden rows would leave no room in
/// the second-level cache.
template <class T, int D, class Words> struct flow_lanes;
template <class T, int D, class... W> struct flow_lanes<T, D, types<W...>> {
  static constexpr int size_of(int rows, int lanes) {
    return rows * lanes * static_cast<int>(sizeof(T));
  }
  static constexpr int widest = std::max({0, units_of<W>().widest...});
  static constexpr int most = std::max({0, units_of<W>().total...});
  static constexpr bool narrow = D > 16 &&
                                 (false || ... || (units_of<W>().narrowest < 8 * (D - 1)));
  static constexpr bool small = size_of(widest, wide_lanes<T>) <= 32 * 1024;
  static constexpr int usual = narrow || small ? wide_lanes<T> : default_lanes<T>;
  static constexpr bool halves = size_of(most, usual) > 384 * 1024 && usual / 2 % strip<T> == 0;
  static constexpr int value = halves ? usual / 2 : usual;
};

} // namespace detail

/// The layers of expression E for scalar T.
template <class T, class E> class program {
 public:
  using words = words_of<E>;
  using facts = detail::word_facts<words>;
  static constexpr int size = place_after<E>::value.size; ///< D
  static constexpr int context = facts::context;          ///< C
  static constexpr int lanes = detail::flow_lanes<T, size, words>::value;
  static constexpr auto support = place_after<E>::value.support;

  using layers_type =
      typename detail::layers_for<normal_form<words>, T, lanes, size, context>::type;
  using needs = detail::layer_needs<layers_type>;

  program() = default;
  explicit program(const E& e) {
    const base_of<E> base = base_value(e);
    detail::check_options<T>(base);
    detail::layer_maker<size> r(base);
    detail::make_layers<T, lanes, context, facts, facts::count - 1>(e, r, layers_);
    position_ = r.position;
    bounds_ = r.bounds;
    set_offsets();
  }

  // --- a tile or an event through the chain

  template <class Tile> void forward(const Tile& t) const {
    for_each_layer([&](auto i) {
      saturate_before<i.value, detail::direction::forward>(t);
      layer<i.value>().forward(t);
    });
  }
  template <class Tile> void inverse(const Tile& t) const {
    for_each_layer_back([&](auto i) { inverse_layer<i.value>(t); });
  }
  /// Layer I alone, for those who look at what lies between layers.
  template <int I, class Tile> void inverse_layer(const Tile& t) const {
    saturate_before<I, detail::direction::inverse>(t);
    layer<I>().inverse(t);
  }
  /// The first k rows alone, without what the others would need: see marginal.hpp.
  void inverse_first(const tile<T>& t, int k) const {
    for_each_layer_back([&](auto i) {
      saturate_before<i.value, detail::direction::inverse>(t);
      layer<i.value>().inverse_first(t, k);
    });
  }
  void forward(const tile<T>& t, T* tape) const {
    for_each_layer([&](auto i) {
      saturate_before<i.value, detail::direction::forward>(t);
      layer<i.value>().forward(t, tape_of<i.value>(tape));
    });
  }
  void inverse(const tile<T>& t, T* tape) const {
    for_each_layer_back([&](auto i) {
      saturate_before<i.value, detail::direction::inverse>(t);
      layer<i.value>().inverse(t, tape_of<i.value>(tape));
    });
  }
  void forward_adjoint(const cotangent_tile<T>& t, T* tape) const {
    for_each_layer_back(
        [&](auto i) { layer<i.value>().forward_adjoint(t, tape_of<i.value>(tape)); });
  }
  void inverse_adjoint(const cotangent_tile<T>& t, T* tape) const {
    for_each_layer([&](auto i) { layer<i.value>().inverse_adjoint(t, tape_of<i.value>(tape)); });
  }

  // --- the parameters' places

  std::size_t parameter_count() const { return parameter_count_; }
  std::size_t structural_count() const {
    std::size_t n = 0;
    each([&](const auto& l) { n += static_cast<std::size_t>(l.structural_count()); });
    return n;
  }
  void clear_corners(T* parameters) const {
    each([&](const auto& l) { l.clear_corners(parameters); });
  }
  void fold_context(const T* parameters, const T* values, T* folded) const {
    each([&](const auto& l) { l.fold_context(parameters, values, folded); });
  }
  /// Offsets of all layers, after a layer's structure has changed.
  void set_offsets() {
    std::size_t offset = 0;
    std::size_t folded = 0;
    for_each_layer([&](auto i) {
      auto& l = layer<i.value>();
      l.set_offset(offset, folded);
      offset += static_cast<std::size_t>(detail::round_up(l.parameter_count(), 16));
      folded += static_cast<std::size_t>(std::remove_cvref_t<decltype(l)>::folded_size);
    });
    parameter_count_ = offset;
  }

  /// Calls f(layer) for each, and f(layer, number of its word) for each.
  template <class F> void each(F&& f) const {
    for_each_layer([&](auto i) { f(layer<i.value>()); });
  }
  template <class F> void each_with_word(F&& f) const {
    for_each_layer([&](auto i) { f(layer<i.value>(), word_of(i.value)); });
  }
  template <class F> void each_with_word(F&& f) {
    for_each_layer([&](auto i) { f(layer<i.value>(), word_of(i.value)); });
  }
  template <int I> const auto& layer() const { return boost::hana::at_c<I>(layers_); }
  template <int I> auto& layer() { return boost::hana::at_c<I>(layers_); }
  /// The first word that became layer i, counted as written.
  static constexpr int word_of(int i) {
    for (int w = 0; w < facts::count; ++w)
      if (facts::layer_of[static_cast<std::size_t>(w)] == i) return w;
    return -1;
  }

  /// variable -> row of the tile at the data end; at the noise end they are the same.
  const detail::index_table<size>& position() const { return position_; }
  const detail::bounds_table<size>& bounds() const { return bounds_; }

 private:
  template <int I> static T* tape_of(T* tape) {
    return tape + needs::tape_at[static_cast<std::size_t>(I)] * lanes;
  }
  template <int I>
  using layer_type =
      std::remove_cvref_t<decltype(boost::hana::at_c<I>(std::declval<const layers_type&>()))>;

  /// Saturates the values that layer I is about to sum over, unless what ran before it has.
  template <int I, detail::direction Way, class Tile> static void saturate_before(const Tile& t) {
    using here = layer_type<I>;
    constexpr int before = Way == detail::direction::forward ? I - 1 : I + 1;
    constexpr bool settled = [] {
      if constexpr (before >= 0 && before < needs::count)
        return layer_type<before>::saturates;
      else
        return false;
    }();
    if constexpr ((Way == detail::direction::forward ? here::sums_forward : here::sums_inverse) &&
                  !settled)
      saturate_values(t, here::end);
  }
  static void saturate_values(const tile<T>& t, T end) {
    detail::saturate_tile<lanes>(t.x, size, t.log_det, t.lanes, end);
  }
  static void saturate_values(const event_tile<T>& e, T end) {
    detail::saturate_event(e.x, size, e.log_det, end);
  }
  template <class F> void for_each_layer(F&& f) const { visit_layers<false>(f); }
  template <class F> void for_each_layer_back(F&& f) const { visit_layers<true>(f); }
  template <bool Back, class F> static void visit_layers(F& f) {
    [&]<int... I>(std::integer_sequence<int, I...>) {
      (f(std::integral_constant < int, Back ? needs::count - 1 - I : I > {}), ...);
    }(std::make_integer_sequence<int, needs::count>{});
  }

  layers_type layers_{};
  detail::index_table<size> position_{};
  detail::bounds_table<size> bounds_{};
  std::size_t parameter_count_ = 0;
};

} // namespace bijou::inline BIJOU_ISA

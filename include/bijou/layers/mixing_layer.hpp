#pragma once
/// \file
/// What a word that mixes variables becomes, where all samples share its parameters.

#include <bijou/layers/mixing_calls.hpp>
#include <bijou/layers/mixing_formulas.hpp>
#include <bijou/layers/mixing_parameters.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// A map of formulas (mixing_formulas.hpp) on tiles and events. Cost of a sample: the formulas; of
/// its adjoint, about three times that; of one event, as of the samples of one register.
template <class T, int L, int D, class Map>
class mixing_layer : public mixing_parameters<T, Map, D>,
                     public detail::mixing_calls<mixing_layer<T, L, D, Map>, T, Map> {
  using formulas = detail::mixing_formulas<T, L, D, Map>;
  using direction = detail::direction;
  friend detail::mixing_calls<mixing_layer, T, Map>;

 public:
  static constexpr int scratch_rows = formulas::event_rows;
  static constexpr int tape_rows = formulas::tape_rows;

  mixing_layer() = default;
  /// position: variable -> row of the tile.
  mixing_layer(const detail::index_table<D>& position, const Map& map) : formulas_(position, map) {}
  std::vector<int> row_table() const { return formulas_.row_table(); }
  void check_order(const std::string& name) const { formulas_.check_order(name); }

 private:
  auto values(const T* theta) const {
    return detail::shared_values<T, Map, D>{this->theta_of(theta)};
  }
  [[gnu::noinline]] void run(direction way, const tile<T>& t, T* kept) const {
    formulas_.evaluate(way, t, kept, values(t.theta));
  }
  void evaluate(direction way, const tile<T>& t) const { run(way, t, nullptr); }
  void evaluate_and_keep(direction way, const tile<T>& t, T* tape) const {
    std::copy_n(t.x, D * L, tape);
    run(way, t, tape + D * L);
  }
  void evaluate_event(direction way, const event_tile<T>& e) const {
    formulas_.evaluate_event(e, [&](const tile<T>& strip) { run(way, strip, nullptr); });
  }
  template <direction Way> void evaluate_leading(const tile<T>& t, int k) const {
    formulas_.template evaluate_leading<Way>(t, k, values(t.theta));
  }
  [[gnu::noinline]] void pull_back(direction way, const cotangent_tile<T>& t, T* tape) const {
    formulas_.pull_back(
        way, t, tape,
        detail::shared_cotangents<T, Map, D>{this->theta_of(t.theta), this->theta_of(t.gradient)});
  }

  formulas formulas_{};
};

} // namespace bijou::inline BIJOU_ISA

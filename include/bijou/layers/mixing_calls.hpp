#pragma once
/// \file
/// What the protocol of layers (layer.hpp) calls on a word of formulas, direction by direction.

#include <bijou/layers/layer.hpp>
#include <bijou/layers/mixing_parameters.hpp>

namespace bijou::inline BIJOU_ISA::detail {

/// A base of `Layer`, which says how, for either way: evaluate(way, tile), evaluate_and_keep(way,
/// tile, tape), evaluate_event(way, event), evaluate_leading<Way>(tile, k) and pull_back(way,
/// cotangents, tape). A map without an inverse has half of them.
template <class Layer, class T, class Map> class mixing_calls {
  static constexpr bool inverts = has_inverse<Map>;

 public:
  void forward(const tile<T>& t) const { layer().evaluate(direction::forward, t); }
  void inverse(const tile<T>& t) const
    requires inverts
  {
    layer().evaluate(direction::inverse, t);
  }
  void forward(const tile<T>& t, T* tape) const {
    layer().evaluate_and_keep(direction::forward, t, tape);
  }
  void inverse(const tile<T>& t, T* tape) const
    requires inverts
  {
    layer().evaluate_and_keep(direction::inverse, t, tape);
  }
  void forward(const event_tile<T>& e) const { layer().evaluate_event(direction::forward, e); }
  void inverse(const event_tile<T>& e) const
    requires inverts
  {
    layer().evaluate_event(direction::inverse, e);
  }
  /// The first k rows alone.
  void forward_first(const tile<T>& t, int k) const
    requires leads<Map>
  {
    layer().template evaluate_leading<direction::forward>(t, k);
  }
  void inverse_first(const tile<T>& t, int k) const
    requires(leads<Map> && inverts)
  {
    layer().template evaluate_leading<direction::inverse>(t, k);
  }
  void forward_adjoint(const cotangent_tile<T>& t, T* tape) const {
    layer().pull_back(direction::forward, t, tape);
  }
  void inverse_adjoint(const cotangent_tile<T>& t, T* tape) const
    requires inverts
  {
    layer().pull_back(direction::inverse, t, tape);
  }

 private:
  const Layer& layer() const { return static_cast<const Layer&>(*this); }
};

} // namespace bijou::inline BIJOU_ISA::detail

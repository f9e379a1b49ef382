#pragma once
/// \file
/// What a word becomes when a flow is made: a layer, and what a layer sees of a tile of samples.
///
/// A tile is D rows of L lanes: a row for each variable, a lane for each sample. Row r of a block
/// starts at `block + r * L`. Layers update the rows in place and keep no state of their own.
///
/// A layer is a value that is made by its word's `make_layer` and has (concept layer_of, below)
///
/// | member | what |
/// |---|---|
/// | **maps** | |
/// | `forward(t)`, `inverse(t)` | map the rows; add log\|det\| of the map applied to `t.log_det` |
/// | `forward(t, tape)`, `inverse(t, tape)` | the same, keeping what the adjoint needs |
/// | `forward_adjoint(c, tape)`, `inverse_adjoint(c, tape)` | turn cotangents of outputs into |
/// | | cotangents of inputs, in place, and add to the parameters' gradient; they use the tape up |
/// | `forward(e)`, `inverse(e)` | one event: the same bits |
/// | **memory** | |
/// | `scratch_rows`, `tape_rows` | rows of L lanes it needs to evaluate; to be differentiated |
/// | `folded_size` | values that a context for all samples is folded into; 0: it reads none |
/// | `fold_context(parameters, context, folded)` | folds one |
/// | **range** | |
/// | `sums_forward`, `sums_inverse` | whether that way sums over inputs: they must not overflow |
/// | `end` | where these inputs must end: kernels/saturation.hpp |
/// | `saturates` | whether no value that it leaves is beyond the ends of networks |
/// | **parameters** | |
/// | `parameter_count()` | places in the flow's vector, padding included |
/// | `structural_count()` | those of them that a connection owns |
/// | `set_offset(offset, folded)` | where its places begin, and its folded values |
/// | `offset()`, `placed_count()` | that place; the count that it was given places for |
/// | `clear_corners(parameters)` | zeros the places that no connection owns |
/// | `initialise(parameters, random)` | first values; random() gives standard normals |
///
/// All that inverts may be left out by a map that has no inverse. Files need, beside these, `save`
/// and `load` (named_tensors.hpp). Where its first k rows depend on no other, a layer may have
/// `forward_first(t, k)` and `inverse_first(t, k)`, which map these rows, and add the log|det| of
/// these; with `leads(k)` if that is so for some k only, or is known at run time only.

#include <bijou/kernels/direction.hpp>
#include <bijou/kernels/lane_sums.hpp>
#include <bijou/kernels/simd.hpp>
#include <bijou/kernels/unroll.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bijou::inline BIJOU_ISA {

/// A tile on its way through the chain.
template <class T> struct tile {
  const T* theta;   ///< the flow's whole parameter vector
  const T* context; ///< C rows of L lanes, or null
  const T* folded;  ///< first-layer biases that a fixed context was folded into, or null
  T* x;             ///< D rows of L lanes, updated in place
  T* log_det;       ///< one row of L lanes, nats
  T* scratch;       ///< what the widest layer asks for
  int lanes;        ///< lanes in use, rounded up to whole strips; spare ones repeat a sample
};

/// The cotangents of a tile on their way back.
template <class T> struct cotangent_tile {
  const T* theta;
  const T* context;
  T* g;             ///< D rows of L lanes, updated in place
  const T* log_det; ///< cotangent of the log-determinant, one row of L lanes
  T* g_context;     ///< C rows, accumulated into; or null
  T* gradient;      ///< laid out as theta, accumulated into
  T* scratch;
  int lanes; ///< cotangents of spare lanes are zero
};

/// One event on its way through the chain: rows of one lane.
template <class T> struct event_tile {
  const T* theta;
  const T* context; ///< C values, or null
  const T* folded;
  T* x;       ///< D values, updated in place
  T* log_det; ///< one value, nats
  T* scratch;
};

/// What a chain asks of a layer: see the top of this file.
template <class Layer, class T>
concept layer_of =
    std::default_initializable<Layer> && std::copyable<Layer> &&
    requires(const Layer layer, Layer changed, const tile<T> t, const event_tile<T> e,
             const cotangent_tile<T> c, T* numbers, const T* values, std::size_t place) {
      layer.forward(t);
      layer.forward(e);
      layer.forward(t, numbers);
      layer.forward_adjoint(c, numbers);
      { Layer::scratch_rows } -> std::convertible_to<int>;
      { Layer::tape_rows } -> std::convertible_to<int>;
      { Layer::folded_size } -> std::convertible_to<int>;
      layer.fold_context(values, values, numbers);
      { Layer::sums_forward } -> std::convertible_to<bool>;
      { Layer::sums_inverse } -> std::convertible_to<bool>;
      { Layer::saturates } -> std::convertible_to<bool>;
      { Layer::end } -> std::convertible_to<T>;
      { layer.parameter_count() } -> std::same_as<int>;
      { layer.structural_count() } -> std::same_as<int>;
      { layer.offset() } -> std::same_as<std::size_t>;
      { layer.placed_count() } -> std::same_as<std::size_t>;
      changed.set_offset(place, place);
      layer.clear_corners(numbers);
      layer.initialise(numbers, [] { return 0.0; });
    };
/// The same of a layer that inverts, as all do but those of maps that are not one to one.
template <class Layer, class T>
concept invertible_layer_of =
    layer_of<Layer, T> && requires(const Layer layer, const tile<T> t, const event_tile<T> e,
                                   const cotangent_tile<T> c, T* numbers) {
      layer.inverse(t);
      layer.inverse(e);
      layer.inverse(t, numbers);
      layer.inverse_adjoint(c, numbers);
    };

/// A layer turned round: its inverse is its forward map, the sign of the log-det included.
template <class Layer> struct inverted : Layer {
  using value_type = typename Layer::value_type;
  using tile_type = tile<value_type>;
  using event_type = event_tile<value_type>;
  using cotangent_type = cotangent_tile<value_type>;
  static constexpr bool sums_forward = Layer::sums_inverse;
  static constexpr bool sums_inverse = Layer::sums_forward;

  void forward(const tile_type& t) const { Layer::inverse(t); }
  void inverse(const tile_type& t) const { Layer::forward(t); }
  void forward(const tile_type& t, value_type* tape) const { Layer::inverse(t, tape); }
  void inverse(const tile_type& t, value_type* tape) const { Layer::forward(t, tape); }
  void forward_adjoint(const cotangent_type& t, value_type* tape) const {
    Layer::inverse_adjoint(t, tape);
  }
  void inverse_adjoint(const cotangent_type& t, value_type* tape) const {
    Layer::forward_adjoint(t, tape);
  }
  void forward(const event_type& e) const { Layer::inverse(e); }
  void inverse(const event_type& e) const { Layer::forward(e); }
  void forward_first(const tile_type& t, int k) const
    requires requires(const Layer& l) { l.inverse_first(t, k); }
  {
    Layer::inverse_first(t, k);
  }
  void inverse_first(const tile_type& t, int k) const
    requires requires(const Layer& l) { l.forward_first(t, k); }
  {
    Layer::forward_first(t, k);
  }
};

} // namespace bijou::inline BIJOU_ISA

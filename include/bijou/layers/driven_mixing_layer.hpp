#pragma once
/// \file
/// What a word that mixes variables becomes, where a network of the context gives each sample
/// parameters of its own.

#include <bijou/layers/driven_operands.hpp>
#include <bijou/layers/mixing_calls.hpp>
#include <bijou/layers/mixing_formulas.hpp>
#include <bijou/layers/network_parameters.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// A map of formulas (mixing_formulas.hpp) by the outputs of a network that sees the context alone.
///
/// Where all samples have one context, the network runs once, when the context is folded, and its
/// outputs are shared as parameters are: the same bits. Cost of a tile: a pass over the network's
/// weights, and the formulas, with what they prepare for each sample; of its adjoint, two passes
/// and three times the formulas. Tape: the rows it was given, what the map keeps, hidden
/// activations and parameters.
template <class T, int L, int D, int C, class Map, class Act, int... H>
class driven_mixing_layer
    : public network_parameters<T, L, Act>,
      public detail::mixing_calls<driven_mixing_layer<T, L, D, C, Map, Act, H...>, T, Map> {
  using shared = network_parameters<T, L, Act>;
  using formulas = detail::mixing_formulas<T, L, D, Map>;
  using outputs = detail::driven_outputs<Map, D>;
  using layout = detail::mixing_layout<Map, D>;
  using direction = detail::direction;
  friend detail::mixing_calls<driven_mixing_layer, T, Map>;

 public:
  using network_type = typename shared::network_type;
  using shared::network;

  static constexpr std::array widths{H...};
  static constexpr int hidden_rows = bijou::hidden_rows({H...});
  static constexpr int pre_rows = network_type::needs_pre ? hidden_rows : 0;
  static constexpr int out_rows = output_layout(outputs::count, 1).padded_rows();
  static constexpr int scratch_rows = hidden_rows + out_rows +
                                      std::max(formulas::event_rows + (layout::count + L - 1) / L,
                                               network_type::scratch_rows(0, C));
  static constexpr int tape_rows = formulas::tape_rows + hidden_rows + pre_rows + out_rows;
  /// The map's parameters, and the network's rows on the way to them.
  static constexpr int folded_size = C > 0 ? whole_panels(layout::count) + hidden_rows + out_rows
                                           : 0;

  static constexpr bool sums_forward = true, sums_inverse = true, saturates = false;
  static constexpr T end = detail::end_of_map<T, Map>();

  driven_mixing_layer() = default;
  /// position: variable -> row of the tile.
  driven_mixing_layer(const detail::index_table<D>& position, const Map& map)
      : shared("nn.", {coupling_degrees(0, outputs::count, C, widths), std::span<const int>{},
                       false, 1, false}),
        formulas_(position, map) {}
  std::vector<int> row_table() const { return formulas_.row_table(); }
  void check_order(const std::string& name) const { formulas_.check_order(name); }

  // --- parameters

  /// Near the word without a context: the network's outputs start small around that one's initial
  /// values.
  template <class Random> void initialise(T* parameters, Random&& random) const {
    T* const theta = this->theta_of(parameters);
    network().initialise(theta, random);
    for (std::size_t i = 0; i < layout::list.size(); ++i) {
      const parameter& p = layout::list[i];
      for (int k = 0; k < p.size(); ++k)
        if (p.owns(k))
          network().set_output_bias(theta, outputs::position_of(i)[k], 0,
                                    static_cast<T>(p.first_value(random)));
    }
  }
  /// The map's parameters at a context.
  void fold_context(const T* parameters, const T* context, T* folded) const {
    T* const map_parameters = this->folded_of(folded);
    find_parameters(parameters, context, map_parameters + whole_panels(layout::count),
                    map_parameters);
  }

 private:
  /// A network's rows.
  struct buffers {
    T *hidden, *pre, *out;
  };
  buffers tape_of(T* tape) const {
    T* const hidden = tape + formulas::tape_rows * L;
    T* const pre = hidden + hidden_rows * L;
    return {hidden, pre_rows > 0 ? pre : nullptr, pre + pre_rows * L};
  }
  static buffers scratch_of(T* scratch) { return {scratch, nullptr, scratch + hidden_rows * L}; }

  auto pass_of(const T* parameters, const T* context, const buffers& b, int lanes) const {
    return typename network_type::pass{.theta = this->theta_of(parameters),
                                       .context = context,
                                       .first_bias = nullptr,
                                       .x = nullptr,
                                       .rows = nullptr,
                                       .hidden = b.hidden,
                                       .pre = b.pre,
                                       .out = b.out,
                                       .lanes = lanes};
  }
  /// The parameters of every sample of a tile, into rows.
  detail::values_of_samples<T, L, Map, D> run_network(const tile<T>& t, const buffers& b) const {
    network().forward(pass_of(t.theta, t.context, b, t.lanes), [](int, int) {});
    return {b.out};
  }
  /// Those of one context, as a map lays them out; rows: hidden_rows + out_rows numbers.
  void find_parameters(const T* parameters, const T* context, T* rows, T* map_parameters) const {
    T* const out = rows + hidden_rows;
    network().forward_one(pass_of(parameters, context, {rows, nullptr, out}, 1));
    for (int k = 0; k < layout::count; ++k) {
      const int output = detail::at(outputs::position, k);
      map_parameters[k] = output < 0 ? T(0) : out[output];
    }
  }

  void evaluate(direction way, const tile<T>& t) const {
    if (t.folded)
      evaluate_shared(way, t, this->folded_of(t.folded));
    else
      evaluate_rows(way, t, nullptr, run_network(t, scratch_of(t.scratch)));
  }
  void evaluate_and_keep(direction way, const tile<T>& t, T* tape) const {
    std::copy_n(t.x, D * L, tape);
    evaluate_rows(way, t, tape + D * L, run_network(t, tape_of(tape)));
  }
  void evaluate_event(direction way, const event_tile<T>& e) const {
    T* const map_parameters = e.scratch + formulas::event_rows * L;
    if (!e.folded)
      find_parameters(e.theta, e.context, map_parameters + layout::count, map_parameters);
    formulas_.evaluate_event(e, [&](const tile<T>& strip) {
      evaluate_shared(way, strip, e.folded ? this->folded_of(e.folded) : map_parameters);
    });
  }
  template <direction Way> void evaluate_leading(const tile<T>& t, int k) const {
    if (t.folded)
      formulas_.template evaluate_leading<Way>(
          t, k, detail::shared_values<T, Map, D>{this->folded_of(t.folded)});
    else
      formulas_.template evaluate_leading<Way>(t, k, run_network(t, scratch_of(t.scratch)));
  }
  [[gnu::noinline]] void evaluate_shared(direction way, const tile<T>& t,
                                         const T* map_parameters) const {
    formulas_.evaluate(way, t, nullptr, detail::shared_values<T, Map, D>{map_parameters});
  }
  [[gnu::noinline]] void
  evaluate_rows(direction way, const tile<T>& t, T* kept,
                const detail::values_of_samples<T, L, Map, D>& values) const {
    formulas_.evaluate(way, t, kept, values);
  }
  [[gnu::noinline]] void pull_back(direction way, const cotangent_tile<T>& t, T* tape) const {
    const buffers b = tape_of(tape);
    T* const g_out = t.scratch;
    formulas_.pull_back(way, t, tape, detail::cotangents_of_samples<T, L, Map, D>{b.out, g_out});
    // The cotangents of hidden rows take the places of their values.
    network().adjoint(pass_of(t.theta, t.context, b, t.lanes),
                      {.out = g_out, .hidden = b.hidden, .x = nullptr, .context = t.g_context},
                      {t.lanes, this->theta_of(t.gradient), t.scratch + out_rows * L});
  }

  formulas formulas_{};
};

} // namespace bijou::inline BIJOU_ISA

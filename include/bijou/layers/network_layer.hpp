#pragma once
/// \file
/// The machine behind learned words: a transformer, and the masked network that drives it.
///
/// A conditioner says which variables the network reads and which the transformer maps:
/// `sequential` ones (autoregressive) map all, each from those before it, and are inverted by a
/// sweep through the network; the others (coupling) keep what they read, so that a pass serves both
/// directions. The inverse of a tile is a sweep for these as well: what they read has the lowest
/// degree and what they map the highest, so the sweep is that pass, with one call of the
/// transformer at its end.

#include <bijou/layers/index_table.hpp>
#include <bijou/layers/layer.hpp>
#include <bijou/layers/network_parameters.hpp>
#include <bijou/layers/transform_rows.hpp>
#include <bijou/networks/masked_network.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// y = f(x; theta(x)) on the variables that the conditioner maps.
///
/// Cost of a tile: forward and inverse about one pass over the network's weights each; their
/// adjoints about two (data and weights). Tape: the input rows, hidden activations and theta, and y
/// where the transformer's inverse is differentiated from there.
template <class T, int L, int D, int C, class Conditioner, class Tr, class Act, bool Skip, int... H>
class network_layer : public network_parameters<T, L, Act> {
  using shared = network_parameters<T, L, Act>;

 public:
  using network_type = typename shared::network_type;
  using shared::network;

  static constexpr output_layout outputs{D, Tr::parameters};
  static constexpr int stride = outputs.stride();
  static constexpr int out_rows = outputs.padded_rows();
  static constexpr std::array widths{H...};
  static constexpr int hidden_rows = bijou::hidden_rows({H...});
  static constexpr int pre_rows = network_type::needs_pre ? hidden_rows : 0;
  static constexpr int scratch_rows =
      hidden_rows + out_rows + std::max(2 + D, network_type::scratch_rows(D, C));
  static constexpr int y_rows = has_pull_back_inverse<Tr> ? D : 0;
  static constexpr int tape_rows = D + hidden_rows + pre_rows + out_rows + 2 + y_rows;
  /// Values that a folded context takes: biases of the layers that read it.
  static constexpr int folded_size = C > 0 ? whole_panels(widths[0]) + (Skip ? out_rows : 0) : 0;

  // A sweep reads what it has saturated itself.
  static constexpr bool sums_forward = true, sums_inverse = !Conditioner::sequential;
  static constexpr bool saturates = true;
  static constexpr T end = detail::saturation<T>;

  network_layer() = default;
  /// degrees: of the network, with an output for each variable that is mapped: the last ones of the
  /// order; the others are read and kept. order: rank -> variable; position: variable -> row of the
  /// tile.
  network_layer(Tr transformer, const degree_assignment& degrees,
                const detail::index_table<D>& order, const detail::index_table<D>& position)
      : shared(Conditioner::prefix,
               {degrees, order, Conditioner::sequential, Tr::parameters, Skip}),
        transformer_(transformer), position_(position), mapped_(detail::length(degrees.outputs)) {
    set_rows();
  }

  // --- evaluation

  void forward(const tile<T>& t) const {
    if constexpr (Skip) {
      // y overwrites x block by block, and direct connections still need x: read a copy.
      T* copy = t.scratch + (hidden_rows + out_rows + 2) * L;
      std::copy_n(t.x, D * L, copy);
      run_forward<false>(t, copy, scratch_of(t));
    } else {
      run_forward<false>(t, t.x, scratch_of(t));
    }
  }
  void inverse(const tile<T>& t) const { run_inverse(t, scratch_of(t)); }

  void forward(const tile<T>& t, T* tape) const {
    std::copy_n(t.x, D * L, tape);
    run_forward<true>(t, tape, tape_of(tape));
  }
  void inverse(const tile<T>& t, T* tape) const {
    std::copy_n(t.x, y_rows * L, y_of(tape));
    run_inverse(t, tape_of(tape));
    std::copy_n(t.x, D * L, tape);
  }

  void forward(const event_tile<T>& e) const {
    buffers b = event_buffers(e.scratch);
    const T* x = e.x;
    if constexpr (Skip) {
      std::copy_n(e.x, D, b.sums);
      x = b.sums;
    }
    event_sum acc;
    network().forward_one(event_pass(e, x, b));
    detail::transform_event<direction::forward, stride>(transformer_, mapped_, e.x, mapped_rows(),
                                                        b.out, acc);
    *e.log_det = (simd::pack<T>(*e.log_det) + acc.total()).first();
  }
  void inverse(const event_tile<T>& e) const {
    const buffers b = event_buffers(e.scratch);
    event_sum acc;
    if constexpr (Conditioner::sequential) {
      network().sweep_one(event_pass(e, e.x, b), [&](int first, int last) {
        for (int rank = first; rank < last; ++rank)
          detail::transform_one<direction::inverse, stride>(transformer_, rank,
                                                            e.x + mapped_rows()[rank], b.out, acc);
      });
    } else {
      network().forward_one(event_pass(e, e.x, b));
      detail::transform_event<direction::inverse, stride>(transformer_, mapped_, e.x, mapped_rows(),
                                                          b.out, acc);
    }
    *e.log_det = (simd::pack<T>(*e.log_det) - acc.total()).first();
  }

  // --- the first k rows alone

  /// Whether they are the first of the order.
  bool leads(int k) const {
    return std::all_of(ranks_.begin(), ranks_.begin() + k, [&](int row) { return row < k; });
  }
  void forward_first(const tile<T>& t, int k) const {
    T* const copy = t.scratch + (hidden_rows + out_rows + 2) * L;
    if constexpr (Skip) std::copy_n(t.x, D * L, copy);
    map_first<direction::forward>(t, k, [&](const buffers& b, const auto& map) {
      network().forward(pass_of(t.theta, t.context, t.folded, Skip ? copy : t.x, b, t.lanes), map);
    });
  }
  void inverse_first(const tile<T>& t, int k) const {
    map_first<direction::inverse>(t, k, [&](const buffers& b, const auto& map) {
      network().sweep(pass_of(t.theta, t.context, t.folded, t.x, b, t.lanes), map);
    });
  }

  // --- adjoints

  void forward_adjoint(const cotangent_tile<T>& t, T* tape) const {
    const buffers b = tape_of(tape);
    const auto g = cotangents_of(t, b.hidden);
    pull_back_rows<direction::forward>(t, tape, g.out, 0, mapped_);
    network().adjoint(pass_of(t.theta, t.context, nullptr, tape, b, t.lanes), g, gradient_of(t));
  }
  void inverse_adjoint(const cotangent_tile<T>& t, T* tape) const {
    const buffers b = tape_of(tape);
    const auto g = cotangents_of(t, Conditioner::sequential ? t.scratch : b.hidden);
    const auto pass = pass_of(t.theta, t.context, nullptr, tape, b, t.lanes);
    const auto pull = [&](int first, int last) {
      pull_back_rows<direction::inverse>(t, tape, g.out, first, last);
    };
    if constexpr (Conditioner::sequential) {
      network().sweep_adjoint(pass, g, pull);
      network().weight_gradient(pass, g, gradient_of(t));
    } else {
      pull(0, mapped_);
      network().adjoint(pass, g, gradient_of(t));
    }
  }

  // --- parameters

  /// Near the identity: the network's outputs start small around the transformer's identity.
  template <class Random> void initialise(T* parameters, Random&& random) const {
    T* theta = this->theta_of(parameters);
    network().initialise(theta, random);
    if constexpr (requires(T* p) { transformer_.identity(p, 1); }) {
      std::array<T, static_cast<std::size_t>(Tr::parameters)> neutral{};
      transformer_.identity(neutral.data(), 1);
      for (int r = 0; r < mapped_; ++r)
        for (int j = 0; j < Tr::parameters; ++j)
          network().set_output_bias(theta, r, j, neutral[static_cast<std::size_t>(j)]);
    }
  }
  /// The first layer's biases with the share of a fixed context added: same chain, same bits.
  void fold_context(const T* parameters, const T* context, T* folded) const {
    if constexpr (C > 0)
      network().fold_context(this->theta_of(parameters), context, this->folded_of(folded));
  }

  /// Row of the tile that the word takes as its i-th variable: that of rank i.
  std::vector<int> row_table() const { return {ranks_.begin(), ranks_.end()}; }

  // --- what the order of the variables follows

  void adopt_structure(const std::vector<int>& order, const dense_network<T>& net) {
    shared::adopt_structure(order, net);
    set_rows();
  }
  void load_structure(const std::string& prefix, const tensor_set<T>& set) {
    shared::load_structure(prefix, set);
    set_rows();
  }

 private:
  using event_sum = detail::slope_sum<simd::pack<T>, Tr::has_factor>;
  using direction = detail::direction;

  struct buffers {
    T* hidden;
    T* pre;
    T* out;
    T* sums;
  };
  buffers scratch_of(const tile<T>& t) const {
    T* p = t.scratch;
    return {p, nullptr, p + hidden_rows * L, p + (hidden_rows + out_rows) * L};
  }
  buffers tape_of(T* tape) const {
    T* hidden = tape + D * L;
    T* out = hidden + (hidden_rows + pre_rows) * L;
    return {hidden, pre_rows ? hidden + hidden_rows * L : nullptr, out, out + out_rows * L};
  }
  /// What inverse was given.
  static T* y_of(T* tape) { return tape + (tape_rows - y_rows) * L; }
  buffers event_buffers(T* scratch) const {
    return {scratch, nullptr, scratch + hidden_rows, scratch + hidden_rows + out_rows};
  }

  auto pass_of(const T* theta, const T* context, const T* folded, const T* x, const buffers& b,
               int lanes) const {
    return typename network_type::pass{.theta = this->theta_of(theta),
                                       .context = context,
                                       .first_bias = this->folded_of(folded),
                                       .x = x,
                                       .rows = input_rows(),
                                       .hidden = b.hidden,
                                       .pre = b.pre,
                                       .out = b.out,
                                       .lanes = lanes};
  }
  auto event_pass(const event_tile<T>& e, const T* x, const buffers& b) const {
    return pass_of(e.theta, e.context, e.folded, x, b, 1);
  }

  template <bool Keep> void run_forward(const tile<T>& t, const T* x, const buffers& b) const {
    std::fill_n(b.sums, 2 * L, T(0));
    network().forward(pass_of(t.theta, t.context, t.folded, x, b, t.lanes),
                      [&](int first, int last) {
                        detail::transform_rows<direction::forward, L, stride, Keep>(
                            transformer_, first, last, t.x, mapped_rows(), b.out, b.sums, t.lanes);
                      });
    detail::add_slope_sums<direction::forward, L>(transformer_, b.sums, t.log_det, t.lanes);
  }
  void run_inverse(const tile<T>& t, const buffers& b) const {
    std::fill_n(b.sums, 2 * L, T(0));
    network().sweep(pass_of(t.theta, t.context, t.folded, t.x, b, t.lanes),
                    [&](int first, int last) {
                      detail::transform_rows<direction::inverse, L, stride>(
                          transformer_, first, last, t.x, mapped_rows(), b.out, b.sums, t.lanes);
                    });
    detail::add_slope_sums<direction::inverse, L>(transformer_, b.sums, t.log_det, t.lanes);
  }

  /// run(buffers, map) runs the network; ranks beyond the first k rows are left as they are.
  template <direction Way, class Run>
  void map_first(const tile<T>& t, int k, const Run& run) const {
    const buffers b = scratch_of(t);
    const int ranks = k - (D - mapped_);
    std::fill_n(b.sums, 2 * L, T(0));
    run(b, [&](int first, int last) {
      if (first < ranks)
        detail::transform_rows<Way, L, stride>(transformer_, first, std::min(last, ranks), t.x,
                                               mapped_rows(), b.out, b.sums, t.lanes);
    });
    detail::add_slope_sums<Way, L>(transformer_, b.sums, t.log_det, t.lanes);
  }

  /// Through the transformer, on ranks [first, last).
  template <direction Way>
  void pull_back_rows(const cotangent_tile<T>& t, T* tape, T* g_out, int first, int last) const {
    detail::pull_back_rows<Way, L, stride>(transformer_, first, last, tape, y_of(tape),
                                           mapped_rows(), tape_of(tape).out, t.g, t.log_det, g_out,
                                           t.lanes);
  }
  auto cotangents_of(const cotangent_tile<T>& t, T* hidden) const {
    return typename network_type::cotangents{
        .out = t.scratch + hidden_rows * L, .hidden = hidden, .x = t.g, .context = t.g_context};
  }
  typename network_type::gradient_target gradient_of(const cotangent_tile<T>& t) const {
    return {t.lanes, this->theta_of(t.gradient), t.scratch + (hidden_rows + out_rows) * L};
  }

  void set_rows() {
    for (std::size_t rank = 0; rank < static_cast<std::size_t>(D); ++rank)
      ranks_[rank] = position_[static_cast<std::size_t>(this->order()[rank])];
  }
  /// Rank -> row of what the transformer maps, and of what the network reads.
  const int* mapped_rows() const { return ranks_.data() + (D - mapped_); }
  const int* input_rows() const { return ranks_.data(); }

  [[no_unique_address]] Tr transformer_{};
  detail::index_table<D> position_{}; // variable -> row of the tile
  detail::index_table<D> ranks_{};    // rank -> row of the tile
  int mapped_ = D;
};

} // namespace bijou::inline BIJOU_ISA

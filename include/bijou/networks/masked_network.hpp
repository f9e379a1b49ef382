#pragma once
/// \file
/// The masked network of autoregressive flows and couplings [MADE, arXiv:1502.03509]: forward,
/// inverse sweep, their adjoints and the weight gradient, each at about the price of one pass.

#include <bijou/networks/dense_network.hpp>
#include <bijou/networks/single_event.hpp>
#include <bijou/networks/tile_adjoint.hpp>
#include <bijou/networks/weight_gradient.hpp>

#include <array>
#include <cmath>

namespace bijou::inline BIJOU_ISA {

/// A multilayer perceptron whose weights follow degrees. It holds only the plan: where packed
/// weights lie, which rows a degree has. Parameters and all other memory belong to the caller.
///
/// \tparam T float or double
/// \tparam L lanes of a tile, a multiple of strip<T>
/// \tparam Activation after every hidden layer, none after the output
/// \tparam Counter told the multiply-adds (per lane) that products perform; for tests
/// \tparam H units of the hidden layers
template <class T, int L, class Activation, class Counter, int... H> class basic_masked_network {
  static_assert(L % strip<T> == 0, "bijou: a tile's lanes are a multiple of the kernel's strip");
  static_assert(sizeof...(H) >= 1, "bijou: a masked network has at least one hidden layer");

 public:
  using value_type = T;
  using activation = Activation;
  using pass = network_pass<T>;
  using cotangents = network_cotangents<T>;

  static constexpr int lanes = L;
  static constexpr int hidden_layers = sizeof...(H);
  static constexpr std::array<int, sizeof...(H)> widths{H...};
  /// Rows of the hidden buffer: every layer padded to whole panels.
  static constexpr int hidden_rows = (detail::round_up(H, panel_rows) + ...);
  /// Whether an adjoint needs the buffer `pre`.
  static constexpr bool needs_pre = !Activation::derivative_from_output;

  basic_masked_network() = default;

  /// \throws std::invalid_argument if degrees do not fit the widths or have no order
  basic_masked_network(const degree_assignment& degrees, int parameters_per_variable,
                       bool skip = false)
      : plan_(checked(degrees), parameters_per_variable, skip), blocks_(choose_blocks()) {}

  const network_plan& plan() const { return plan_; }
  int out_rows() const { return bijou::out_rows(plan_.variables(), plan_.parameters()); }
  int out_stride() const { return bijou::out_stride(plan_.parameters()); }

  // -- passes of a tile ----------------------------------------------------------------------

  /// Hidden layers, then output rows; epilogue(rank0, rank1), ranks ascending, as soon as the
  /// output rows of these ranks are complete.
  template <class Epilogue> void forward(const pass& p, Epilogue&& epilogue) const {
    detail::tile_forward<T, L, Activation, Counter>(plan_, p).run(epilogue);
  }
  /// The inverse at the price of one pass: solve(rank0, rank1), all of one degree, when their
  /// output rows are complete. It writes their rows of x, and the sweep goes on. Inputs of a degree
  /// that no output has (couplings) are known beforehand; all others are what solve writes, so that
  /// outputs and inputs of a degree are the same variables.
  template <class Solve> void sweep(const pass& p, Solve&& solve) const {
    detail::tile_forward<T, L, Activation, Counter>(plan_, p).sweep(blocks_, solve);
  }
  /// Adjoint of forward. All output cotangents are set on entry.
  void adjoint(const pass& p, const cotangents& c) const {
    detail::tile_adjoint<T, L, Activation, Counter>(plan_, p, c).run([](int) {});
  }
  /// Adjoint of the sweep, degrees descending: pull(rank0, rank1) when the cotangents of these
  /// ranks' x are complete; it sets the cotangents of their output rows.
  template <class Pull> void sweep_adjoint(const pass& p, const cotangents& c, Pull&& pull) const {
    detail::tile_adjoint<T, L, Activation, Counter>(plan_, p, c).sweep(blocks_, pull);
  }
  /// Where the gradient of the parameters is added, summed over the first `samples` lanes, whole
  /// registers of them. Corners receive garbage: clear_corners once a step.
  struct gradient_target {
    int samples;
    T* grad;    ///< laid out like theta
    T* scratch; ///< scratch_rows(inputs, context) rows of L lanes
  };
  /// The gradient, after an adjoint of either kind.
  void weight_gradient(const pass& p, const cotangents& c, const gradient_target& to) const {
    const detail::weight_gradient<T, L> gradient(plan_, p, c);
    gradient.prepare(to.samples, to.scratch);
    for (int l = 0; l <= plan_.hidden_layers(); ++l)
      gradient.add(l, to.samples, to.grad, to.scratch);
  }
  /// Adjoint of forward and the gradient, layer by layer: cotangents of hidden rows may take the
  /// places of their values (c.hidden == p.hidden), so that a layer stays in the nearest cache.
  void adjoint(const pass& p, const cotangents& c, const gradient_target& to) const {
    const detail::weight_gradient<T, L> gradient(plan_, p, c);
    gradient.prepare(to.samples, to.scratch);
    detail::tile_adjoint<T, L, Activation, Counter>(plan_, p, c).run([&](int l) {
      gradient.add(l, to.samples, to.grad, to.scratch);
    });
  }
  int scratch_size() const { return L * scratch_rows(plan_.inputs(), plan_.context()); }
  static constexpr int scratch_rows(int inputs, int context) {
    return detail::weight_gradient<T, L>::scratch_rows(inputs, context);
  }

  // -- one event: one number per row, the bits of the tile -----------------------------------

  /// `hidden` has hidden_rows elements, `out` out_rows().
  void forward_one(const pass& p) const { detail::single_event<T, Activation>(plan_, p).run(); }
  template <class Solve> void sweep_one(const pass& p, Solve&& solve) const {
    detail::single_event<T, Activation>(plan_, p).sweep(solve);
  }

  /// Elements of a folded context.
  int folded_rows() const { return plan_.folded_rows(); }
  /// Biases with the share of a fixed context added, the first links of the same chains: a pass
  /// with `first_bias` has the bits of the pass with that context.
  void fold_context(const T* theta, const T* context, T* folded) const {
    for (int l : {0, plan_.hidden_layers()}) {
      const layer_plan& layer = plan_.layer(l);
      if (layer.context.empty()) continue;
      const detail::product_term<T> term{&layer.context, context, nullptr, 0, plan_.context()};
      detail::multiply_layer<T, detail::linear_output>(theta, {&term, 1}, theta + layer.bias,
                                                       layer.padded_rows / panel_rows,
                                                       folded + layer.folded, false);
    }
  }

  // -- parameters ----------------------------------------------------------------------------

  /// Stored entries; a multiple of 16.
  int parameter_count() const { return plan_.parameter_count(); }
  /// Entries that mean something: weights the structure has, and biases.
  int structural_count() const {
    int n = 0;
    visit([&](std::ptrdiff_t, bool structural) { n += structural; });
    return n;
  }
  /// Unmasked weights: the multiply-adds of an exact pass, per sample.
  long multiply_adds() const {
    long n = 0;
    for (int l = 0; l <= plan_.hidden_layers(); ++l)
      plan_.layer(l).for_each_term([&](const staircase& s) { n += s.structural(); });
    return n;
  }
  /// f(index, structural) for every stored entry.
  template <class F> void visit(F&& f) const {
    for (int l = 0; l <= plan_.hidden_layers(); ++l) {
      const layer_plan& layer = plan_.layer(l);
      for (int r = 0; r < layer.padded_rows; ++r) f(layer.bias + r, has_bias(l, r));
      layer.for_each_term([&](const staircase& s) { s.visit(f); });
    }
  }
  /// Zeroes entries that mean nothing, in parameters, gradients or moments.
  void clear_corners(T* theta) const {
    for (int l = 0; l <= plan_.hidden_layers(); ++l) {
      const layer_plan& layer = plan_.layer(l);
      std::fill(theta + layer.bias + layer.rows, theta + layer.bias + layer.padded_rows, T(0));
      if (l == plan_.hidden_layers() && out_stride() > plan_.parameters())
        for (int r = 0; r < layer.rows; ++r)
          if (!has_bias(l, r)) theta[layer.bias + r] = T(0);
      layer.for_each_term([&](const staircase& s) { s.clear_corners(theta); });
    }
  }

  /// Random weights; `normal()` gives independent standard normal numbers. Weights and biases of a
  /// hidden row with n sources have variance 1 / n: n is the row's own, not the layer's width.
  /// Output weights are a hundredth of that and output biases zero, so that with
  /// set_output_bias(identity) a flow begins near the identity.
  template <class Normal> void initialise(T* theta, Normal&& normal) const {
    std::fill_n(theta, parameter_count(), T(0));
    for (int l = 0; l <= plan_.hidden_layers(); ++l) {
      const layer_plan& layer = plan_.layer(l);
      const bool hidden = l < plan_.hidden_layers();
      for (int r = 0; r < layer.rows; ++r) {
        int sources = 0;
        layer.for_each_term([&](const staircase& s) { sources += s.limit(r); });
        const double scale = (hidden ? 1.0 : 0.01) / std::sqrt(std::max(sources, 1));
        const auto draw = [&] { return static_cast<T>(scale * static_cast<double>(normal())); };
        if (hidden) theta[layer.bias + r] = draw();
        layer.for_each_term([&](const staircase& s) {
          for (int k = 0; k < s.limit(r); ++k) theta[s.index(r, k)] = draw();
        });
      }
    }
  }
  /// Bias of parameter j of the variable of this rank.
  void set_output_bias(T* theta, int rank, int j, T value) const {
    theta[plan_.output().bias + rank * out_stride() + j] = value;
  }

  /// Sets all parameters from dense matrices; masked entries are dropped.
  /// \throws std::invalid_argument if a shape differs
  void import_dense(const dense_network<T>& dense, T* theta) const {
    detail::expect_same_shape(detail::empty_dense_network<T>(plan_), dense);
    std::fill_n(theta, parameter_count(), T(0));
    detail::pair_entries(plan_, theta, dense, [](T& to, const T& from) { to = from; });
  }
  /// The same network as dense matrices with masks, units in their original order.
  dense_network<T> export_dense(const T* theta) const {
    auto dense = detail::empty_dense_network<T>(plan_);
    detail::pair_entries(plan_, theta, dense, [](const T& from, T& to) { to = from; });
    return dense;
  }

  /// How sweeps walk the degrees; the bits do not depend on it.
  sweep_blocks blocks() const { return blocks_; }
  void set_blocks(sweep_blocks blocks) { blocks_ = blocks; }

 private:
  static const degree_assignment& checked(const degree_assignment& degrees) {
    bool fits = detail::length(degrees.hidden) == hidden_layers;
    for (int l = 0; fits && l < hidden_layers; ++l)
      fits = detail::length(detail::at(degrees.hidden, l)) == detail::at(widths, l);
    if (fits) return degrees;
    std::string got;
    for (const auto& layer : degrees.hidden) got += " " + std::to_string(layer.size());
    std::string expected;
    for (int width : widths) expected += " " + std::to_string(width);
    throw std::invalid_argument("masked network: expected degrees of hidden layers of" + expected +
                                " units, got" + got);
  }

  bool has_bias(int l, int r) const {
    return r < plan_.layer(l).rows &&
           (l < plan_.hidden_layers() || r % out_stride() < plan_.parameters());
  }

  /// Degree by degree while the hidden rows of a tile stay in the first-level cache; else by
  /// blocks, larger ones the more degrees there are, with larger leaves the fewer units a degree
  /// has: setting up a product of few rows takes as long as itself (docs/performance.md: sweeps).
  sweep_blocks choose_blocks() const {
    if (hidden_rows * L * static_cast<int>(sizeof(T)) <= 48 * 1024) return {};
    if (plan_.levels() >= 128) return {64, 16};
    const bool few = hidden_rows < 4 * hidden_layers * plan_.levels(); // units a degree
    return {16, few ? 16 : 8};
  }

  network_plan plan_;
  sweep_blocks blocks_;
};

/// The network that flows use.
template <class T, int L, class Activation, int... H>
using masked_network = basic_masked_network<T, L, Activation, no_counter, H...>;

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// The masked network of autoregressive flows and couplings [MADE, arXiv:1502.03509]: forward,
/// inverse sweep, their adjoints and the weight gradient, each at about the price of one pass.

#include <bijou/kernels/function_ref.hpp>
#include <bijou/networks/dense_network.hpp>
#include <bijou/networks/single_event.hpp>
#include <bijou/networks/tile_adjoint.hpp>
#include <bijou/networks/weight_gradient.hpp>

#include <cmath>

namespace bijou::inline BIJOU_ISA {

/// A multilayer perceptron whose weights follow degrees. It holds only the plan: where packed
/// weights lie, which rows a degree has. Parameters and all other memory belong to the caller.
///
/// Widths and what is done with outputs come at run time: one type of network serves all words with
/// the same activation, and is compiled once for them (bijou/compiled.hpp).
///
/// \tparam T float or double
/// \tparam L lanes of a tile, a multiple of strip<T>
/// \tparam Activation after every hidden layer, none after the output
/// \tparam Counter told the multiply-adds (per lane) that products perform; for tests
template <class T, int L, class Activation, class Counter = no_counter> class masked_network {
  static_assert(L % strip<T> == 0, "bijou: a tile's lanes are a multiple of the kernel's strip");

 public:
  using value_type = T;
  using activation = Activation;
  using pass = network_pass<T>;
  using cotangents = network_cotangents<T>;
  using rank_function = detail::rank_function;

  static constexpr int lanes = L;
  /// Whether an adjoint needs the buffer `pre`.
  static constexpr bool needs_pre = !Activation::derivative_from_output;

  masked_network() = default;

  /// \throws std::invalid_argument if degrees have no order, or there is no hidden layer
  masked_network(const degree_assignment& degrees, int parameters_per_variable, bool skip = false);

  const network_plan& plan() const { return plan_; }
  int hidden_rows() const { return plan_.hidden_rows(); }
  int out_rows() const { return plan_.outputs().padded_rows(); }

  // -- passes of a tile ----------------------------------------------------------------------

  /// Hidden layers, then output rows; epilogue(rank0, rank1), ranks ascending, as soon as the
  /// output rows of these ranks are complete.
  void forward(const pass& p, rank_function epilogue) const;
  /// The inverse at the price of one pass: solve(rank0, rank1), all of one degree, when their
  /// output rows are complete. It writes their rows of x, and the sweep goes on. Inputs of a degree
  /// that no output has (couplings) are known beforehand; all others are what solve writes, so that
  /// outputs and inputs of a degree are the same variables.
  void sweep(const pass& p, rank_function solve) const;
  /// Adjoint of forward. All output cotangents are set on entry.
  void adjoint(const pass& p, const cotangents& c) const;
  /// Adjoint of the sweep, degrees descending: pull(rank0, rank1) when the cotangents of these
  /// ranks' x are complete; it sets the cotangents of their output rows.
  void sweep_adjoint(const pass& p, const cotangents& c, rank_function pull) const;
  /// Where the gradient of the parameters is added, summed over the first `samples` lanes, whole
  /// registers of them. Corners receive garbage: clear_corners once a step.
  struct gradient_target {
    int samples;
    T* grad;    ///< laid out like theta
    T* scratch; ///< scratch_rows(inputs, context) rows of L lanes
  };
  /// The gradient, after an adjoint of either kind.
  void weight_gradient(const pass& p, const cotangents& c, const gradient_target& to) const;
  /// Adjoint of forward and the gradient, layer by layer: cotangents of hidden rows may take the
  /// places of their values (c.hidden == p.hidden), so that a layer stays in the nearest cache.
  void adjoint(const pass& p, const cotangents& c, const gradient_target& to) const;
  int scratch_size() const { return L * scratch_rows(plan_.inputs(), plan_.context()); }
  static constexpr int scratch_rows(int inputs, int context) {
    return detail::weight_gradient<T, L>::scratch_rows(inputs, context);
  }

  // -- one event: one number per row, the bits of the tile -----------------------------------

  /// `hidden` has hidden_rows() elements, `out` out_rows().
  void forward_one(const pass& p) const;
  /// For each degree solve is a few instructions, which a call by reference would double.
  template <class Solve> void sweep_one(const pass& p, Solve&& solve) const {
    detail::single_event<T, Activation>(plan_, p).sweep(solve);
  }

  /// Elements of a folded context.
  int folded_rows() const { return plan_.folded_rows(); }
  /// Biases with the share of a fixed context added, the first links of the same chains: a pass
  /// with `first_bias` has the bits of the pass with that context.
  void fold_context(const T* theta, const T* context, T* folded) const;

  // -- parameters ----------------------------------------------------------------------------

  /// Stored entries; a multiple of 16.
  int parameter_count() const { return plan_.parameter_count(); }
  /// Entries that mean something: weights the structure has, and biases.
  int structural_count() const;
  /// Unmasked weights: the multiply-adds of an exact pass, per sample.
  long multiply_adds() const;
  /// f(index, structural) for every stored entry.
  void visit(detail::function_ref<void(std::ptrdiff_t, bool)> f) const;
  /// Zeroes entries that mean nothing, in parameters, gradients or moments.
  void clear_corners(T* theta) const;

  /// Random weights; `normal()` gives independent standard normal numbers. Weights and biases of a
  /// hidden row with n sources have variance 1 / n: n is the row's own, not the layer's width.
  /// Output weights are a hundredth of that and output biases zero, so that with
  /// set_output_bias(identity) a flow begins near the identity.
  void initialise(T* theta, detail::function_ref<double()> normal) const;
  /// Bias of parameter j of the variable of this rank.
  void set_output_bias(T* theta, int rank, int j, T value) const {
    theta[plan_.output().bias + plan_.outputs().row(rank, j)] = value;
  }

  /// Sets all parameters from dense matrices; masked entries are dropped.
  /// \throws std::invalid_argument if a shape differs
  void import_dense(const dense_network<T>& dense, T* theta) const;
  /// The same network as dense matrices with masks, units in their original order.
  dense_network<T> export_dense(const T* theta) const;

  /// How sweeps walk the degrees; the bits do not depend on it.
  sweep_blocks blocks() const { return blocks_; }
  void set_blocks(sweep_blocks blocks) { blocks_ = blocks; }

 private:
  using forward_passes = detail::tile_forward<T, L, Activation, Counter>;
  using adjoint_passes = detail::tile_adjoint<T, L, Activation, Counter>;

  bool has_bias(int l, int r) const;
  sweep_blocks choose_blocks() const;

  network_plan plan_;
  sweep_blocks blocks_;
};

// --- definitions ------------------------------------------------------------------------------

template <class T, int L, class Activation, class Counter>
masked_network<T, L, Activation, Counter>::masked_network(const degree_assignment& degrees,
                                                          int parameters_per_variable, bool skip)
    : plan_(degrees, parameters_per_variable, skip), blocks_(choose_blocks()) {}

template <class T, int L, class Activation, class Counter>
void masked_network<T, L, Activation, Counter>::forward(const pass& p,
                                                        rank_function epilogue) const {
  forward_passes(plan_, p).run(epilogue);
}
template <class T, int L, class Activation, class Counter>
void masked_network<T, L, Activation, Counter>::sweep(const pass& p, rank_function solve) const {
  forward_passes(plan_, p).sweep(blocks_, solve);
}
template <class T, int L, class Activation, class Counter>
void masked_network<T, L, Activation, Counter>::adjoint(const pass& p, const cotangents& c) const {
  adjoint_passes(plan_, p, c).run([](int) {});
}
template <class T, int L, class Activation, class Counter>
void masked_network<T, L, Activation, Counter>::sweep_adjoint(const pass& p, const cotangents& c,
                                                              rank_function pull) const {
  adjoint_passes(plan_, p, c).sweep(blocks_, pull);
}
template <class T, int L, class Activation, class Counter>
void masked_network<T, L, Activation, Counter>::weight_gradient(const pass& p, const cotangents& c,
                                                                const gradient_target& to) const {
  const detail::weight_gradient<T, L> gradient(plan_, p, c);
  gradient.prepare(to.samples, to.scratch);
  for (int l = 0; l <= plan_.hidden_layers(); ++l) gradient.add(l, to.samples, to.grad, to.scratch);
}
template <class T, int L, class Activation, class Counter>
void masked_network<T, L, Activation, Counter>::adjoint(const pass& p, const cotangents& c,
                                                        const gradient_target& to) const {
  const detail::weight_gradient<T, L> gradient(plan_, p, c);
  gradient.prepare(to.samples, to.scratch);
  adjoint_passes(plan_, p, c).run([&](int l) { gradient.add(l, to.samples, to.grad, to.scratch); });
}

template <class T, int L, class Activation, class Counter>
void masked_network<T, L, Activation, Counter>::forward_one(const pass& p) const {
  detail::single_event<T, Activation>(plan_, p).run();
}

template <class T, int L, class Activation, class Counter>
void masked_network<T, L, Activation, Counter>::fold_context(const T* theta, const T* context,
                                                             T* folded) const {
  for (int l : {0, plan_.hidden_layers()}) {
    const layer_plan& layer = plan_.layer(l);
    if (layer.context.empty()) continue;
    const detail::product_term<T> term{&layer.context, context, nullptr, 0, plan_.context()};
    detail::multiply_layer<T, detail::linear_output>(theta, {&term, 1}, theta + layer.bias,
                                                     panel_count(layer.rows), folded + layer.folded,
                                                     false);
  }
}

template <class T, int L, class Activation, class Counter>
bool masked_network<T, L, Activation, Counter>::has_bias(int l, int r) const {
  return r < plan_.layer(l).rows &&
         (l < plan_.hidden_layers() || plan_.outputs().holds_parameter(r));
}
template <class T, int L, class Activation, class Counter>
int masked_network<T, L, Activation, Counter>::structural_count() const {
  int n = 0;
  visit([&](std::ptrdiff_t, bool structural) { n += structural; });
  return n;
}
template <class T, int L, class Activation, class Counter>
long masked_network<T, L, Activation, Counter>::multiply_adds() const {
  long n = 0;
  for (int l = 0; l <= plan_.hidden_layers(); ++l)
    plan_.layer(l).for_each_term([&](const staircase& s) { n += s.structural(); });
  return n;
}
template <class T, int L, class Activation, class Counter>
void masked_network<T, L, Activation, Counter>::visit(
    detail::function_ref<void(std::ptrdiff_t, bool)> f) const {
  for (int l = 0; l <= plan_.hidden_layers(); ++l) {
    const layer_plan& layer = plan_.layer(l);
    for (int r = 0; r < layer.padded_rows; ++r) f(layer.bias + r, has_bias(l, r));
    layer.for_each_term([&](const staircase& s) { s.visit(f); });
  }
}
template <class T, int L, class Activation, class Counter>
void masked_network<T, L, Activation, Counter>::clear_corners(T* theta) const {
  for (int l = 0; l <= plan_.hidden_layers(); ++l) {
    const layer_plan& layer = plan_.layer(l);
    std::fill(theta + layer.bias + layer.rows, theta + layer.bias + layer.padded_rows, T(0));
    if (l == plan_.hidden_layers() && plan_.outputs().stride() > plan_.parameters())
      for (int r = 0; r < layer.rows; ++r)
        if (!has_bias(l, r)) theta[layer.bias + r] = T(0);
    layer.for_each_term([&](const staircase& s) { s.clear_corners(theta); });
  }
}

template <class T, int L, class Activation, class Counter>
void masked_network<T, L, Activation, Counter>::initialise(
    T* theta, detail::function_ref<double()> normal) const {
  std::fill_n(theta, parameter_count(), T(0));
  for (int l = 0; l <= plan_.hidden_layers(); ++l) {
    const layer_plan& layer = plan_.layer(l);
    const bool hidden = l < plan_.hidden_layers();
    for (int r = 0; r < layer.rows; ++r) {
      int sources = 0;
      layer.for_each_term([&](const staircase& s) { sources += s.limit(r); });
      const double scale = (hidden ? 1.0 : 0.01) / std::sqrt(std::max(sources, 1));
      const auto draw = [&] { return static_cast<T>(scale * normal()); };
      if (hidden) theta[layer.bias + r] = draw();
      layer.for_each_term([&](const staircase& s) {
        for (int k = 0; k < s.limit(r); ++k) theta[s.index(r, k)] = draw();
      });
    }
  }
}

template <class T, int L, class Activation, class Counter>
void masked_network<T, L, Activation, Counter>::import_dense(const dense_network<T>& dense,
                                                             T* theta) const {
  detail::expect_same_shape(detail::empty_dense_network<T>(plan_), dense);
  std::fill_n(theta, parameter_count(), T(0));
  detail::pair_entries(plan_, theta, dense, [](T& to, const T& from) { to = from; });
}
template <class T, int L, class Activation, class Counter>
dense_network<T> masked_network<T, L, Activation, Counter>::export_dense(const T* theta) const {
  auto dense = detail::empty_dense_network<T>(plan_);
  detail::pair_entries(plan_, theta, dense, [](const T& from, T& to) { to = from; });
  return dense;
}

/// Degree by degree while the hidden rows of a tile stay in the first-level cache; else by blocks,
/// larger ones the more degrees there are, with larger leaves the fewer units a degree has: setting
/// up a product of few rows takes as long as itself (docs/performance.md: sweeps).
template <class T, int L, class Activation, class Counter>
sweep_blocks masked_network<T, L, Activation, Counter>::choose_blocks() const {
  if (hidden_rows() * L * static_cast<int>(sizeof(T)) <= 48 * 1024) return {};
  if (plan_.levels() >= 128) return {64, 16};
  const bool few = hidden_rows() < 4 * plan_.hidden_layers() * plan_.levels(); // units a degree
  return {16, few ? 16 : 8};
}

} // namespace bijou::inline BIJOU_ISA

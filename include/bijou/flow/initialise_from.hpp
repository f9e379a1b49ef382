#pragma once
/// \file
/// `initialise_from(q, data)`: shifts and scales that are taken from data before training.
///
///     auto q = make_flow<float>(normal<2> | maf<64> | diagonal_affine | maf<64>);
///     initialise_from(q, data); // each maf now sees numbers of order one
///     fit(q, data);
///
/// Source: the data-dependent initialisation of activation normalisation, Kingma and Dhariwal 2018
/// (1807.03039), section 3.1, on all data instead of a first minibatch.

#include <bijou/flow/arguments.hpp>
#include <bijou/flow/batch_loops.hpp>
#include <bijou/flow/bijector.hpp>
#include <bijou/flow/perform.hpp>
#include <bijou/flow/standardise_context.hpp>
#include <bijou/interop/batch.hpp>
#include <bijou/kernels/aligned.hpp>
#include <bijou/transformers/diagonal_affine.hpp>
#include <bijou/transformers/fixed.hpp>
#include <bijou/transformers/inverse_transformer.hpp>
#include <bijou/transformers/option_text.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace bijou::inline BIJOU_ISA {

namespace detail {

// --- which words it sets

/// The op of a word diagonal_affine with parameters of its own, and of one turned round.
template <class Op>
inline constexpr bool is_diagonal =
    std::is_same_v<Op, diagonal_affine_t> || std::is_same_v<Op, fixed_t<diagonal_affine_t>>;
template <class Op> inline constexpr bool is_inverse_diagonal = false;
template <class Tr>
inline constexpr bool is_inverse_diagonal<inverse_transformer<Tr>> = is_diagonal<Tr>;
template <class Op>
inline constexpr bool is_set_from_data = is_diagonal<Op> || is_inverse_diagonal<Op>;

/// How many words of a layer it sets; only runs of elementwise words have such.
template <class Layer> inline constexpr int count_set_from_data = 0;
template <class T, int L, int D, class... Ops>
inline constexpr int count_set_from_data<elementwise_run<T, L, D, Ops...>> =
    (0 + ... + int{is_set_from_data<Ops>});
template <class Program> constexpr int words_set_from_data() {
  return []<int... I>(std::integer_sequence<int, I...>) {
    using program = Program;
    return (0 + ... +
            count_set_from_data<
                std::remove_cvref_t<decltype(std::declval<const program&>().template layer<I>())>>);
  }(std::make_integer_sequence<int, Program::needs::count>{});
}

// --- the way from data to noise

/// All samples on their way from data to noise, a layer at a time: what lies between two layers can
/// be looked at, and the next layer's parameters set by it.
template <class Flow> class data_walk {
 public:
  using T = typename Flow::value_type;
  using program = typename Flow::program_type;
  static constexpr int D = program::size, L = program::lanes;
  static constexpr auto variables = static_cast<std::size_t>(D),
                        lanes = static_cast<std::size_t>(L);

  data_walk(Flow& q, const sample_source<T>& data, const context_source<T>& context,
            workspace<T>& ws)
      : q_(q), count_(data.count()), context_(context), ws_(ws),
        rows_((count_ + lanes - 1) / lanes * lanes * variables) {
    const int* const position = q.layers().position().data();
    each_tile([&](const tile_walk<T, L>& w) {
      data.template load<L>(w.first, w.n, D, w.t.x, position);
      for (int i = 0; i < w.n; ++i)
        if (w.context_has_nan(i))
          throw std::invalid_argument("initialise_from: expected contexts without NaN, got one for "
                                      "row " +
                                      std::to_string(w.sample(i)));
    });
    for (int row = 0; row < D; ++row)
      check_finite(row, [&](std::size_t i, const std::string& value) {
        const auto variable = std::find(position, position + D, row) - position;
        return "expected finite data, got " + value + " in row " + std::to_string(i) + ", column " +
               std::to_string(variable);
      });
  }

  /// Walks all layers, the last one first.
  void run() { run_layers(std::make_integer_sequence<int, program::needs::count>{}); }

 private:
  template <int... I> void run_layers(std::integer_sequence<int, I...>) {
    (run_layer<program::needs::count - 1 - I>(), ...);
  }
  template <int I> void run_layer() {
    using layer = std::remove_cvref_t<decltype(q_.layers().template layer<I>())>;
    if constexpr (count_set_from_data<layer> > 0)
      run_ops<I>(std::make_integer_sequence<int, layer::count>{});
    else
      each_tile([&](const tile_walk<T, L>& w) {
        q_.layers().template inverse_layer<I>(w.t);
        // A NaN in the log-determinant marks a sample that has left the range of networks.
        for (int i = 0; i < w.n; ++i)
          if (is_nan(w.t.log_det[i])) set_limits(w.t.x + i, D, L);
      });
  }
  /// A run of elementwise words, one after another.
  template <int I, int... K> void run_ops(std::integer_sequence<int, K...>) {
    (run_op<I, static_cast<int>(sizeof...(K)) - 1 - K>(), ...);
  }
  template <int I, int K> void run_op() {
    const auto& run = q_.layers().template layer<I>();
    using op = typename std::remove_cvref_t<decltype(run)>::template op_type<K>;
    if constexpr (is_set_from_data<op>)
      run.template each_variable<K>([&](int row, int place, int stride) {
        T* const theta = q_.parameters().data() + place;
        set_by<is_inverse_diagonal<op>>(theta, theta + stride, row);
      });
    each_tile([&](const tile_walk<T, L>& w) { run.template inverse_op<K>(w.t); });
  }

  /// Shift and scale by which this row gets mean 0 and standard deviation 1.
  template <bool Inverse> void set_by(T* shift_at, T* scale_at, int row) const {
    check_finite(row, [](std::size_t i, const std::string& value) {
      return "expected data that the flow can map to noise; on the way there, before a "
             "diagonal_affine, row " +
             std::to_string(i) + " has become " + value;
    });
    const column_spread c = spread_of(
        count_, [&](std::size_t i) { return static_cast<double>(value(i, row)); },
        [](std::size_t) { return 1.0; });
    const double spread = c.constant ? 1 : c.spread;
    if (!is_normal_in<T>(spread) || !is_normal_in<T>(1 / spread) ||
        (Inverse && !(std::abs(c.mean / spread) <= double{std::numeric_limits<T>::max()})))
      throw std::invalid_argument("initialise_from: before a diagonal_affine a variable has the "
                                  "standard deviation " +
                                  number_text(spread) +
                                  ", whose reciprocal the type cannot hold: scale the data");
    *shift_at = static_cast<T>(Inverse ? -c.mean / spread : c.mean);
    *scale_at = static_cast<T>(Inverse ? 1 / spread : spread);
  }

  /// Calls f(walk) for each tile, with the samples of it in walk.t.x: they are kept.
  template <class F> void each_tile(const F& f) {
    const flow_frame<T> frame = q_.loop_frame();
    for (tile_walk<T, L> w(frame, ws_.memory.data(), context_, count_); w.next();) {
      T* const kept = rows_.data() + w.first * variables;
      std::copy_n(kept, D * L, w.t.x);
      f(w);
      std::copy_n(w.t.x, D * L, kept);
    }
  }
  /// Throws what `sentence` says of the first sample of a row that is no finite number.
  template <class Sentence> void check_finite(int row, const Sentence& sentence) const {
    for (std::size_t i = 0; i < count_; ++i)
      if (const T v = value(i, row); !std::isfinite(v))
        throw std::invalid_argument("initialise_from: " + sentence(i, std::to_string(v)));
  }
  T value(std::size_t i, int row) const {
    const std::size_t lane = i % lanes;
    return rows_[(i - lane) * variables + static_cast<std::size_t>(row) * lanes + lane];
  }

  Flow& q_;
  std::size_t count_;
  context_source<T> context_;
  workspace<T>& ws_;
  aligned_vector<T> rows_; // tiles of D rows, one after another
};

template <class Flow, class Data, class Context>
void initialise_by(Flow& q, const Data& data, const Context& context) {
  using T = typename Flow::value_type;
  constexpr bool invertible = Flow::invertible;
  static_assert(invertible, "bijou: initialise_from(q, data) maps data to noise: every word of q "
                            "needs an inverse");
  constexpr bool has_words = words_set_from_data<typename Flow::program_type>() > 0;
  static_assert(has_words, "bijou: initialise_from(q, data) sets the words diagonal_affine of a "
                           "flow, as in normal<2> | maf<64> | diagonal_affine; here is none with "
                           "parameters of its own");
  if constexpr (invertible && has_words) {
    check_shape("initialise_from", "data", data, Flow::size);
    const std::size_t n = count_of(data);
    if (n == 0) throw std::invalid_argument("initialise_from: expected samples, got none");
    Flow changed = q;
    auto ws = changed.make_workspace();
    data_walk<Flow>(changed, source_of<T>(data),
                    contexts_of<false>(changed, "initialise_from", context, n, ws), ws)
        .run();
    q = std::move(changed);
  }
}

} // namespace detail

/// Sets shift and scale of every word `diagonal_affine` with parameters of its own, `.fixed()` or
/// turned round or on<...> some variables, too: on the noise side of the word the data get mean 0
/// and standard deviation 1 (that of n, not of n - 1), up to the rounding of the two numbers. The
/// flow is walked once, from data to noise, so that what a word is given has passed the words
/// behind it as they now are; other parameters stay. A variable that is constant there, and any of
/// one sample, gets mean 0 and the scale 1. What the words held before does not matter.
///
/// \param data (n, D) samples, n >= 1, in the forms of all calls (docs/calls.md)
/// Deterministic: one thread, sums in the order of the samples. Cost: log_prob of all samples, and
/// memory for a copy of them.
/// \throws std::invalid_argument if there are no samples, or some are not finite or become so on
/// the way (outside the support, say), or if a standard deviation or its reciprocal is no normal
/// number of the flow's type; q is then unchanged
template <class Flow, class Data> void initialise_from(Flow& q, const Data& data) {
  constexpr bool conditional = Flow::conditional;
  static_assert(!conditional, "bijou: initialise_from(q, data, context): this flow has a given<C>");
  if constexpr (!conditional) detail::initialise_by(q, data, detail::no_context{});
}
/// The same for flows with given<C>. \param context (n, C), a row for each sample, or one for all
template <class Flow, class Data, class Context>
void initialise_from(Flow& q, const Data& data, const Context& context) {
  constexpr bool conditional = Flow::conditional;
  static_assert(conditional, "bijou: initialise_from(q, data): this flow has no given<C>, and "
                             "takes no context");
  if constexpr (conditional) detail::initialise_by(q, data, context);
}

} // namespace bijou::inline BIJOU_ISA

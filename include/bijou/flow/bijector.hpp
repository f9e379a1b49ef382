#pragma once
/// \file
/// A chain of words with its parameters: `bijector<T, E>`, what flows are made of.
///
/// The loops here take sources, sinks and a workspace, and allocate nothing; the calls that users
/// write come from calls.hpp.

#include <bijou/bijectors/conditioners/network_options.hpp>
#include <bijou/bijectors/linear/permute.hpp>
#include <bijou/flow/batch_loops.hpp>
#include <bijou/flow/calls.hpp>
#include <bijou/flow/context_standardisation.hpp>
#include <bijou/flow/program.hpp>
#include <bijou/flow/workspace.hpp>
#include <bijou/grammar/text.hpp>
#include <bijou/interop/batch.hpp>
#include <bijou/kernels/direction.hpp>
#include <bijou/kernels/saturation.hpp>
#include <bijou/random/initial_normals.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// A bijection of R^D, or of the sets its words say, with parameters of type T.
///
/// A regular value: copies are independent. Evaluation is const, has no hidden state and may run
/// from any number of threads, each with a workspace of its own. Sample i of a result depends on
/// sample i of the input alone, to the last bit, whatever the batch it came in.
template <class T, class E>
class bijector : public bijector_calls<bijector<T, E>, T, program<T, E>::size> {
 public:
  using value_type = T;
  using expression_type = E;
  using program_type = program<T, E>;
  static constexpr int size = program_type::size;            ///< D
  static constexpr int context_size = program_type::context; ///< C, 0 without given<C>
  static constexpr bool conditional = context_size > 0;      ///< whether calls take a context
  /// Whether every word has an inverse: what log_prob of given points and training on them need.
  static constexpr bool invertible = program_type::facts::invertible;

  /// An empty bijector, to be assigned to; every other call needs one that was made.
  bijector() = default;
  /// What make_flow and make_bijector call: parameters for `e`, near the identity, drawn by `seed`.
  /// \throws std::invalid_argument if a length or bound that is known at run time only does not fit
  bijector(const E& e, std::uint64_t seed) : program_(e) {
    parameters_.assign(program_.parameter_count(), T(0));
    text_ = expression_text(e);
    standardise_as_written(e);
    initialise(e, seed);
  }

  /// {D}: the shape of one event.
  std::array<std::size_t, 1> event_shape() const { return {static_cast<std::size_t>(size)}; }
  /// {}: one flow is one distribution.
  std::array<std::size_t, 0> batch_shape() const { return {}; }
  /// The expression as it could be written; files carry it and are checked against it.
  const std::string& text() const { return text_; }

  // --- parameters: parameters.hpp has names, masks and files

  /// All parameters, flat and aligned, packed as the kernels read them. Entries that no connection
  /// owns (is_structural) must stay 0: write through set_parameters, or call clear_padding after.
  std::span<T> parameters() & { return parameters_; }
  /// The same, to be read.
  std::span<const T> parameters() const& { return parameters_; }
  std::span<T> parameters() && = delete;
  /// Copies values in and zeros what no connection owns.
  /// \throws std::invalid_argument if the length is not parameters().size()
  void set_parameters(std::span<const T> values) {
    if (values.size() != parameters_.size())
      throw std::invalid_argument("set_parameters: expected " + std::to_string(parameters_.size()) +
                                  " values, got " + std::to_string(values.size()));
    std::copy(values.begin(), values.end(), parameters_.begin());
    clear_padding(parameters_);
  }
  /// Zeros the entries of a vector laid out like parameters() that no connection owns.
  void clear_padding(std::span<T> values) const { program_.clear_corners(values.data()); }
  /// Parameters that a connection owns: what counts as the size of the model.
  std::size_t num_parameters() const { return program_.structural_count(); }
  /// Entry i is 1 where parameters()[i] is owned by a connection, else 0.
  std::vector<std::uint8_t> structure() const {
    aligned_vector<T> ones(parameters_.size(), T(1));
    clear_padding(ones);
    return {ones.begin(), ones.end()};
  }

  // --- the context's units: standardise_context.hpp takes them from data

  /// Whether the expression itself says them, so that nothing else may.
  static constexpr bool context_is_standardised_as_written = program_type::facts::standardises;
  /// Mean and scale that are taken out of every context before a network sees it.
  const context_standardisation<T, context_size>& standardisation() const {
    return standardisation_;
  }
  /// Gives it others: the parameters then mean another density.
  void set_standardisation(const context_standardisation<T, context_size>& units) {
    standardisation_ = units;
  }

  // --- memory

  /// After layers have changed their structure: places parameters anew, and keeps the values of
  /// layers whose structure is what it was.
  void restructure() {
    std::vector<std::pair<std::size_t, std::size_t>> before; // offset, count
    program_.each([&](const auto& l) { before.emplace_back(l.offset(), l.placed_count()); });
    program_.set_offsets();
    aligned_vector<T> moved(program_.parameter_count(), T(0));
    std::size_t i = 0;
    program_.each([&](const auto& l) {
      const auto [offset, count] = before[i++];
      if (static_cast<std::size_t>(l.parameter_count()) == count)
        std::copy_n(parameters_.data() + offset, count, moved.data() + l.offset());
    });
    parameters_ = std::move(moved);
  }

  /// Memory for evaluation by one thread at a time; every call with it allocates nothing.
  workspace<T> make_workspace() const { return {aligned_vector<T>(plan::evaluation_size)}; }
  /// The same for gradients: with room for a tape and cotangents. Serves evaluation too.
  workspace<T> make_gradient_workspace() const { return {aligned_vector<T>(plan::gradient_size)}; }
  /// Values of type T in a workspace for evaluation.
  static constexpr std::size_t workspace_size() { return plan::evaluation_size; }

  // --- maps: forward(...) and inverse(...) are in calls.hpp

  using samples = detail::sample_source<T>;
  using contexts = detail::context_source<T>;

  /// y = f(x) or, inverse, x = f^-1(y), of all samples of a source.
  template <detail::direction Way>
  void map(const samples& from, const detail::sample_sink<T>& to, detail::value_sink<T> log_det,
           workspace<T>& ws, const contexts& context) const {
    constexpr bool ahead = Way == detail::direction::forward;
    check_workspace(ws);
    if (from.count() > few) {
      const auto chain = [this](const tile<T>& t) { run<Way>(t); };
      detail::map_tiles<T, lanes>(frame(), Way, from, to, log_det, ws.memory.data(), context,
                                  chain);
      return;
    }
    const int* const position = program_.position().data();
    for (std::size_t i = 0; i < from.count(); ++i) {
      const event_tile<T> e = event(ws, context, i);
      from.load(i, size, e.x, ahead ? noise_position.data() : position);
      run<Way>(e);
      if (detail::is_nan(*e.log_det) && !brought_nan(from, i, e)) [[unlikely]] {
        constexpr T inf = std::numeric_limits<T>::infinity();
        *e.log_det = ahead ? inf : -inf;
        detail::set_limits(e.x, size, 1);
      }
      to.store(i, size, e.x, ahead ? position : noise_position.data());
      if (log_det) log_det.set(i, *e.log_det);
    }
  }

  /// The layers that run, for those who look inside: parameters.hpp, describe.hpp.
  const program_type& layers() const { return program_; }
  program_type& layers() { return program_; }

  /// What loops over tiles of one's own need, as that of initialise_from.hpp.
  detail::flow_frame<T> loop_frame() const { return frame(); }

  /// What calls without a context use.
  contexts context() const {
    static_assert(!conditional, "bijou: this flow has a given<C>: pass the context, as in "
                                "log_prob(y, context), or fix it with condition(context)");
    return {};
  }
  /// A context that all samples share, with its share of every first layer computed once.
  struct folded_context {
    aligned_vector<T> values, folded;
    contexts shared() const {
      return {{}, values.data(), folded.empty() ? nullptr : folded.data()};
    }
  };
  /// Computes that share for C values.
  folded_context fold_context(const samples& c) const {
    folded_context result{aligned_vector<T>(static_cast<std::size_t>(context_size)),
                          aligned_vector<T>(static_cast<std::size_t>(needs::folded_size))};
    load_context(c, 0, result.values.data());
    program_.fold_context(parameters_.data(), result.values.data(), result.folded.data());
    return result;
  }
  /// The same in the place that a workspace has for it, good for one call: nothing is allocated.
  contexts fold_context(const samples& c, workspace<T>& ws) const {
    check_workspace(ws);
    T* const values = ws.memory.data() + plan::shared * lanes;
    T* const folded = ws.memory.data() + plan::folded * lanes;
    load_context(c, 0, values);
    program_.fold_context(parameters_.data(), values, folded);
    return {{}, values, needs::folded_size > 0 ? folded : nullptr};
  }

  /// One context for all, as it is and not folded: a row for each, in the same place.
  samples repeated_context(const samples& c, workspace<T>& ws) const {
    check_workspace(ws);
    T* const values = ws.memory.data() + plan::shared * lanes;
    c.load(0, context_size, values, context_position.data());
    return batch_view<const T>{values, 1, 0, 1};
  }

 protected:
  using needs = typename program_type::needs;
  using plan = detail::workspace_plan<program_type>;
  static constexpr int lanes = program_type::lanes;

  /// The noise end keeps its order: permutations are pushed to the data end.
  static constexpr detail::index_table<size> noise_position = detail::identity_order<size>();
  template <detail::direction Way, class Tile> void run(const Tile& t) const {
    if constexpr (Way == detail::direction::forward)
      program_.forward(t);
    else
      program_.inverse(t);
  }
  /// What loops over tiles know of this flow.
  detail::flow_frame<T> frame() const {
    return {size,
            context_size,
            parameters_,
            noise_position.data(),
            program_.position().data(),
            context_position.data(),
            plan::rows,
            standardisation_.units(),
            {}};
  }
  /// Event i of a batch with its context and a log-det of 0: batches of up to `few` go without
  /// tiles. The bits are the same.
  event_tile<T> event(workspace<T>& ws, const contexts& context, std::size_t i) const {
    T* m = ws.memory.data();
    event_tile<T> e{
        parameters_.data(),       nullptr, nullptr, m + plan::x * lanes, m + plan::log_det * lanes,
        m + plan::scratch * lanes};
    if constexpr (conditional) {
      if (context.values) {
        e.context = context.values;
        e.folded = context.folded;
      } else {
        T* const values = m + plan::context * lanes;
        load_context(context.rows, i, values);
        e.context = values;
      }
    }
    *e.log_det = T(0);
    return e;
  }
  static void check_workspace(const workspace<T>& ws, std::size_t needed = plan::evaluation_size,
                              const char* maker = "make_workspace()") {
    if (ws.memory.size() < needed)
      throw std::invalid_argument("bijou: expected a workspace of " + std::to_string(needed) +
                                  " values, got " + std::to_string(ws.memory.size()) + "; take " +
                                  maker + " of this flow");
  }

  /// One context as networks see it.
  void load_context(const samples& c, std::size_t i, T* values) const {
    c.load(i, context_size, values, context_position.data());
    standardisation_.apply(values);
    T no_mark = T(0);
    detail::saturate_event(values, context_size, &no_mark, detail::saturation<T>);
  }

  /// Whether event i of a source has a NaN, or its context has. Overwrites the scratch rows.
  [[gnu::cold, gnu::noinline]] bool brought_nan(const samples& from, std::size_t i,
                                                const event_tile<T>& e) const {
    from.load(i, size, e.scratch, noise_position.data());
    return detail::any_nan(e.scratch, size, 1) || detail::any_nan(e.context, context_size, 1);
  }
  static constexpr auto context_position =
      detail::identity_order<(conditional ? context_size : 1)>();

  /// Batches of so few samples go one by one.
  static constexpr std::size_t few = 2;

  program_type program_;
  aligned_vector<T> parameters_;
  std::string text_;
  context_standardisation<T, context_size> standardisation_;

 private:
  void standardise_as_written(const E& e) {
    if constexpr (context_is_standardised_as_written)
      for_each_word(e, [&](const auto& w) {
        if constexpr (std::remove_cvref_t<decltype(w)>::what == rule::context)
          standardisation_.set("given<" + std::to_string(context_size) + ">.standardise",
                               std::span<const double>(w.mean), std::span<const double>(w.scale));
      });
  }
  void initialise(const E& e, std::uint64_t seed) {
    std::uint64_t number = 0;
    std::vector<std::uint64_t> seeds; // of each word: its own, or the flow's and its number
    for_each_word(e, [&](const auto& w) {
      seeds.push_back(detail::seed_of(w, detail::mixed_bits(seed + number++)));
    });
    program_.each_with_word([&](const auto& l, int w) {
      initial_normals random(seeds[static_cast<std::size_t>(w)]);
      l.initialise(parameters_.data(), random);
    });
    clear_padding(parameters_);
  }
};

} // namespace bijou::inline BIJOU_ISA

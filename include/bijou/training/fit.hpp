#pragma once
/// \file
/// `fit(flow, samples, options)`: maximum likelihood with minibatches, validation, early stopping.
///
///     fit(q, samples, {.epochs = 200, .optimizer = {.learning_rate = 3e-3}});
///
/// The loss is the mean negative log-likelihood in nats per sample, weighted where samples have
/// weights. The same seed and thread count give the same bits.

#include <bijou/interop/xtensor.hpp>
#include <bijou/training/fit_loop.hpp>
#include <bijou/training/processes.hpp>

#include <span>

namespace bijou::inline BIJOU_ISA {

namespace detail {
/// run(q, scoring functions, processes) of a flow and a group of processes of their own types.
template <class Flow, class Group, class Run>
fit_result with_scoring(Flow& q, const Group& group, const Run& run) {
  using T = typename Flow::value_type;
  if constexpr (check_inverse<Flow>()) {
    trained<Flow> flow(q);
    const auto accumulate = [&](const weighted_batch<T>& batch, double scale, std::span<T> gradient,
                                workspace<T>& ws, T* log_prob) {
      return accumulate_log_prob_gradient(q, batch, scale, gradient, ws, {}, log_prob);
    };
    const auto log_prob = [&](const weighted_batch<T>& batch, T* values, workspace<T>& ws) {
      q.write_log_prob(batch.samples, values, ws, {batch.context});
    };
    return run(flow, scoring_functions<T>{accumulate, log_prob}, processes_of<Group>(group));
  } else {
    return {};
  }
}
} // namespace detail

/// Trains q on samples in memory; those of `validation` decide which parameters are kept. Without
/// any the last parameters are kept and nothing stops early. Weights are part of the batches here;
/// only their ratios matter, and samples of weight 0 are absent, whatever they hold.
///
/// Several processes may share the run: each calls fit with the same arguments (bijou/mpi.hpp), and
/// all end with the same bits, those of one process but for rounding. Memory: five vectors of the
/// parameters' length, one more and a workspace for each further thread, one minibatch. An epoch
/// after the first allocates nothing, checkpoints apart.
/// \throws std::invalid_argument if sizes, options, weights or a checkpoint do not fit, or values
/// are not finite \throws training_error if a loss or gradient becomes NaN or infinite, or another
/// process fails; q keeps the last good parameters, as it does when the callback throws
template <class Flow, class T = typename Flow::value_type, process_group Processes = one_process>
fit_result fit(Flow& q, const weighted_batch<T>& training, const weighted_batch<T>& validation,
               const fit_options& options, const Processes& processes = {}) {
  return detail::with_scoring(q, processes, [&](auto& flow, const auto& score, const auto& all) {
    return detail::run_fit<T>(flow, score, training, &validation, options, all);
  });
}

/// The same; a share of the samples (`options.validation_fraction`, drawn by `options.seed`) is set
/// aside for validation, evenly over the weights where those have both signs.
template <class Flow, class T = typename Flow::value_type, process_group Processes = one_process>
fit_result fit(Flow& q, const weighted_batch<T>& samples, const fit_options& options,
               const Processes& processes = {}) {
  return detail::with_scoring(q, processes, [&](auto& flow, const auto& score, const auto& all) {
    return detail::run_fit<T>(flow, score, samples, nullptr, options, all);
  });
}

namespace detail {

template <class Flow, class Processes, class Y, class... Context>
fit_result fit_expressions(Flow& q, const fit_options& options, const Processes& processes,
                           const Y& samples, const Context&... context) {
  using T = typename Flow::value_type;
  static_assert(sizeof...(Context) == (Flow::conditional ? 1 : 0),
                "bijou: fit takes a context, as in fit(q, samples, context, options), exactly if q "
                "has given<C>");
  constexpr bool has_inverse = Flow::invertible;
  static_assert(has_inverse,
                "bijou: fit scores samples by the inverse, and a word of this flow has none, as a "
                "mixing(map) without map.inverse");
  if constexpr (!has_inverse) {
    return {};
  } else {
    return with_scoring(q, processes, [&](auto& flow, const auto& score, const auto& all) {
      together(all, [&] {
        check_shape("fit", "samples", samples, Flow::size);
        (check_shape("fit", "a context", context, Flow::context_size), ...);
      });
      const sample_source<T> y = source_of<T>(samples);
      if constexpr (sizeof...(Context) == 1) {
        const sample_source<T> c = source_of<T>(context...);
        return run_fit<T>(flow, score, y, &c, options, all);
      } else {
        return run_fit<T>(flow, score, y, nullptr, options, all);
      }
    });
  }
}

} // namespace detail

/// Trains q on samples, an expression of shape (n, D).
template <class Flow, detail::xtensor_like Y, process_group Processes = one_process>
fit_result fit(Flow& q, const Y& samples, const fit_options& options = {},
               const Processes& processes = {}) {
  return detail::fit_expressions(q, options, processes, samples);
}
/// Trains a flow with given<C> on samples (n, D) with their contexts (n, C).
template <class Flow, detail::xtensor_like Y, detail::xtensor_like Context,
          process_group Processes = one_process>
fit_result fit(Flow& q, const Y& samples, const Context& context, const fit_options& options = {},
               const Processes& processes = {}) {
  return detail::fit_expressions(q, options, processes, samples, context);
}

} // namespace bijou::inline BIJOU_ISA

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

#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {
inline void check_weights_place(const fit_options& options) {
  if (!options.weights.empty())
    throw std::invalid_argument("fit: expected the weights in scored_batch, not in the options");
}

/// A batch of samples with their weights in units that can be summed: see weights_in_units.
template <class T> class weighted_samples {
 public:
  explicit weighted_samples(const scored_batch<T>& from)
      : weights_(weights_in_units<T>(from.weights)), batch_(from) {
    batch_.weights = weights_;
  }
  weighted_samples(const weighted_samples&) = delete; // the batch refers to the weights
  weighted_samples& operator=(const weighted_samples&) = delete;
  ~weighted_samples() = default;
  const scored_batch<T>& batch() const { return batch_; }

 private:
  std::vector<T> weights_;
  scored_batch<T> batch_;
};
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
fit_result fit(Flow& q, const scored_batch<T>& training, const scored_batch<T>& validation,
               const fit_options& options, const Processes& processes = {}) {
  if constexpr (detail::check_inverse<Flow>()) {
    std::optional<detail::weighted_samples<T>> learned_from, judges;
    std::unique_ptr<detail::fit_loop<Flow, Processes>> loop;
    detail::together(processes, [&] {
      detail::check_weights_place(options);
      detail::check_training_batch<Flow>(training);
      detail::check_training_batch<Flow>(validation);
      learned_from.emplace(training);
      judges.emplace(validation);
      detail::row_split rows(learned_from->batch(), 0, philox{});
      loop = std::make_unique<detail::fit_loop<Flow, Processes>>(
          q, learned_from->batch(), std::move(rows.training), judges->batch(), options, processes);
    });
    return loop->run();
  } else {
    return {};
  }
}

/// The same; a share of the samples (`options.validation_fraction`, drawn by `options.seed`) is set
/// aside for validation, evenly over the weights where those have both signs.
template <class Flow, class T = typename Flow::value_type, process_group Processes = one_process>
fit_result fit(Flow& q, const scored_batch<T>& samples, const fit_options& options,
               const Processes& processes = {}) {
  if constexpr (detail::check_inverse<Flow>()) {
    std::optional<detail::weighted_samples<T>> all;
    std::optional<detail::gathered_batch<Flow>> validation;
    std::unique_ptr<detail::fit_loop<Flow, Processes>> loop;
    detail::together(processes, [&] {
      detail::check_weights_place(options);
      detail::check_training_batch<Flow>(samples);
      all.emplace(samples);
      detail::row_split rows(all->batch(), options.validation_fraction, philox(options.seed));
      const std::size_t aside = rows.validation.size();
      validation.emplace(all->batch(), aside);
      validation->gather(rows.validation, 0, aside);
      loop = std::make_unique<detail::fit_loop<Flow, Processes>>(
          q, all->batch(), std::move(rows.training), validation->view(0, aside), options,
          processes);
      if (aside == 0 && options.validation_fraction > 0) loop->remark_on_few_samples();
    });
    return loop->run();
  } else {
    return {};
  }
}

namespace detail {

/// A batch that lies in memory as T: the expression's own memory, or a copy of its values.
template <class T, class X> class batch_in_memory {
  static constexpr bool there = requires(const X& x) { source_of<T>(x).batch; };

 public:
  batch_in_memory(const X& x, int size) : x_(x) {
    if constexpr (!there) {
      copy_ = xt::xtensor<T, 2>(
          std::array<std::size_t, 2>{count_of(x), static_cast<std::size_t>(size)});
      if constexpr (is_one_event<X>)
        for (std::size_t d = 0; d < static_cast<std::size_t>(size); ++d)
          copy_(0, d) = static_cast<T>(x(d));
      else
        copy_ = x;
    }
  }
  batch_view<const T> view() const {
    if constexpr (there)
      return source_of<T>(x_).batch;
    else
      return rows_of(copy_.data(), copy_.shape()[0], static_cast<int>(copy_.shape()[1]));
  }

 private:
  const X& x_;
  xt::xtensor<T, 2> copy_;
};

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
    std::unique_ptr<batch_in_memory<T, Y>> y;
    std::tuple<std::unique_ptr<batch_in_memory<T, Context>>...> c;
    std::vector<T> weights;
    together(processes, [&] {
      for (std::size_t i = 0; i < options.weights.size(); ++i)
        if (!std::isfinite(options.weights[i]))
          throw std::invalid_argument("fit: expected finite weights, got " +
                                      std::to_string(options.weights[i]) + " in row " +
                                      std::to_string(i));
      weights = weights_in_units<T>(options.weights);
      check_shape("fit", "samples", samples, Flow::size);
      (check_shape("fit", "a context", context, Flow::context_size), ...);
      y = std::make_unique<batch_in_memory<T, Y>>(samples, Flow::size);
      if constexpr (sizeof...(Context) == 1)
        std::get<0>(c) =
            std::make_unique<batch_in_memory<T, Context...>>(context..., Flow::context_size);
    });
    fit_options rest = options;
    rest.weights = {};
    scored_batch<T> batch{y->view(), {}, weights};
    if constexpr (sizeof...(Context) == 1) batch.context = std::get<0>(c)->view();
    return fit(q, batch, rest, processes);
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

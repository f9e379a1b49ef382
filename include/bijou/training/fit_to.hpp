#pragma once
/// \file
/// `fit_to(flow, target, options)`: variational inference, the flow brought near a density that is
/// known up to its normalisation.
///
///     fit_to(q, target, {.epochs = 50, .optimizer = {.learning_rate = 3e-3}});
///
/// The loss is -ELBO in nats (elbo.hpp), estimated from new samples of q in each step. The same
/// seed gives the same bits, whatever the number of threads.

#include <bijou/training/elbo.hpp>
#include <bijou/training/fit.hpp>
#include <bijou/training/parameter_steps.hpp>
#include <bijou/training/processes.hpp>
#include <bijou/training/run_record.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// What fit_to takes; all of it has defaults. An epoch is a number of steps: nothing ends with it
/// but a mean of losses.
struct fit_to_options {
  int epochs = 20;
  int steps_per_epoch = 100;
  std::size_t batch_size = 256; ///< samples of q in each step
  adam_options optimizer{};
  /// Scales the learning rate: any callable (step, total steps) -> factor.
  bijou::schedule schedule = schedules::constant{};
  /// Factor of log p, likewise; losses contain it.
  bijou::schedule annealing = schedules::constant{};
  std::uint64_t seed = 0; ///< of all samples, and of the contexts' order
  int threads = 1;
  progress_options progress{}; ///< the line on stderr
  /// Called after each epoch; returns false to stop.
  std::function<bool(const fit_epoch&)> callback{};
  checkpoints checkpoint{}; ///< checkpoint_file(path) of bijou/io/checkpoint.hpp
};

namespace detail {

/// Samples of the flow that a step draws.
template <class T> struct drawn_samples {
  philox stream;                ///< begins with the first of them
  std::size_t count;            ///< how many
  std::size_t number;           ///< of the first, in its step
  batch_view<const T> contexts; ///< a row each
};
/// How a flow is brought near a target: what `fit_to` asks of both beside all that trained_flow
/// says.
template <class T> struct elbo_functions {
  const char* name; ///< of the estimator, as checkpoints call it
  /// Adds the gradient, and gives each loss.
  function_ref<void(const drawn_samples<T>&, elbo_scale, std::span<T> gradient, workspace<T>&,
                    T* losses)>
      accumulate_gradient;
  /// One sample, for a message.
  function_ref<void(const drawn_samples<T>&, batch_view<T>)> draw;
};

/// One run: holds everything that a step needs, so that steps allocate nothing.
template <class T> class fit_to_loop {
 public:
  fit_to_loop(trained_flow<T>& q, const elbo_functions<T>& elbo, batch_view<const T> context,
              const fit_to_options& options, const processes& all)
      : q_(q), elbo_(elbo), context_(context), options_(options), processes_(all),
        context_size_(static_cast<std::size_t>(q.context_size())),
        steps_(std::int64_t{1} * options.epochs * options.steps_per_epoch),
        parameters_(q.parameters(), q.make_gradient_workspace(), options.optimizer, options.threads,
                    count_shares(options.batch_size, all), all),
        record_("fit_to", std::max(options.epochs, 0), options.checkpoint, options.callback,
                parameters_, all),
        losses_(options.batch_size), totals_(parameters_.shares()), order_(context.count),
        rows_(options.batch_size * context_size_) {
    if (options.epochs < 0 || options.steps_per_epoch < 1)
      throw std::invalid_argument("fit_to: expected epochs >= 0 and steps_per_epoch >= 1, got " +
                                  std::to_string(options.epochs) + " and " +
                                  std::to_string(options.steps_per_epoch));
    if (context_size_ > 0 && context.count == 0)
      throw std::invalid_argument("fit_to: expected contexts, got none");
    std::iota(order_.begin(), order_.end(), 0U);
  }

  /// Collective, like all that it calls.
  fit_result run() {
    try {
      record_.begin([&] { return describe(); });
      loop();
    } catch (...) {
      parameters_.restore();
      throw;
    }
    return std::move(record_.result);
  }

 private:
  void loop() {
    progress_line line(options_.progress, processes_.rank() == 0);
    progress_report report{.epochs = options_.epochs, .steps = steps_};
    const auto start = std::chrono::steady_clock::now();
    const double before = record_.seconds();
    report.step = report.first_step = step_ = parameters_.steps();
    bool goes_on = true;
    for (int epoch = record_.epoch() + 1; goes_on && epoch <= options_.epochs; ++epoch) {
      fit_epoch record{.epoch = epoch};
      report.epoch = epoch;
      double sum = 0;
      for (int i = 1; i <= options_.steps_per_epoch; ++i) {
        sum += step(i == 1, record);
        report.step = step_;
        report.samples += static_cast<std::int64_t>(options_.batch_size);
        report.training = sum / i;
        line.update(report);
      }
      record.training = report.training;
      record.best = true;
      record.seconds =
          before + std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      record_.result.best_epoch = epoch;
      goes_on = record_.end_epoch(record, false);
    }
    record_.remark_on_schedule(options_.schedule, step_, steps_);
    line.finish(report);
    for (const std::string& r : record_.result.remarks) line.remark("fit_to: " + r);
  }

  /// Returns the loss at the parameters that it met.
  double step(bool first_of_epoch, fit_epoch& record) {
    const std::size_t n = losses_.size();
    const std::uint64_t drawn = static_cast<std::uint64_t>(step_) * n;
    const share own = parameters_.own(n);
    double factor = 1;
    const double sum = parameters_.reduce([&] {
      const double annealing = options_.annealing ? options_.annealing(step_, steps_) : 1.0;
      if (options_.schedule) factor = scheduled("fit_to", options_.schedule, step_, steps_);
      gather_contexts(drawn, own);
      const elbo_scale scale{annealing, 1 / static_cast<double>(n)};
      parameters_.for_each_share([&](std::size_t i, std::span<T> gradient, workspace<T>& ws) {
        const share mine = parameters_.part(own, i);
        if (mine.begin == mine.end) return;
        philox stream(options_.seed);
        stream.advance(drawn + mine.begin);
        totals_[i].add(mine.end - mine.begin, gradient, [&](share s, std::span<T> part) {
          const share samples{mine.begin + s.begin, mine.begin + s.end};
          elbo_.accumulate_gradient({stream, s.end - s.begin, samples.begin, contexts(samples)},
                                    scale, part, ws, losses_.data() + samples.begin);
          stream.advance(s.end - s.begin);
        });
      });
      double losses = 0;
      for (std::size_t i = own.begin; i < own.end; ++i) losses += static_cast<double>(losses_[i]);
      return losses;
    });
    ++step_;
    const double loss = sum / static_cast<double>(n);
    if (!std::isfinite(loss))
      fail("the loss became " + std::to_string(loss), bad_sample(drawn, own), record.epoch);
    // These parameters have just been seen to be good, and nothing else will say.
    if (first_of_epoch) parameters_.remember();
    const double norm = parameters_.step(factor);
    if (!std::isfinite(norm))
      fail("the gradient's norm became " + std::to_string(norm), "", record.epoch);
    record.learning_rate = factor * options_.optimizer.learning_rate;
    record.gradient_norm = std::max(record.gradient_norm, norm);
    return loss;
  }

  /// The contexts of the samples from number `drawn` on: all rows in a new order again and again.
  void gather_contexts(std::uint64_t drawn, share own) {
    if (context_size_ == 0) return;
    for (std::size_t i = own.begin; i < own.end; ++i) {
      const std::uint64_t pass = (drawn + i) / order_.size() + 1;
      while (pass_ < pass) shuffle(order_, philox(options_.seed), ++pass_); // after one another
      const std::uint32_t row = order_[(drawn + i) % order_.size()];
      for (std::size_t k = 0; k < context_size_; ++k)
        rows_[i * context_size_ + k] = element(context_, row, static_cast<int>(k));
    }
  }
  batch_view<const T> contexts(share s) const {
    return rows_of(rows_.data() + s.begin * context_size_, s.end - s.begin, q_.context_size());
  }

  /// Which of this process's samples spoils the loss, and where it lies.
  std::string bad_sample(std::uint64_t drawn, share own) {
    for (std::size_t i = own.begin; i < own.end; ++i) {
      if (std::isfinite(losses_[i])) continue;
      std::vector<T> z(static_cast<std::size_t>(q_.size()));
      philox stream(options_.seed);
      stream.advance(drawn + i);
      elbo_.draw({stream, 1, i, contexts({i, i + 1})}, rows_of(z.data(), 1, q_.size()));
      return ": log q - log p of sample " + std::to_string(i) + " is " +
             std::to_string(losses_[i]) + " at " + point_text(z);
    }
    return "";
  }
  /// In all processes alike; one of them may know where.
  [[noreturn]] void fail(const std::string& what, std::string where, int epoch) const {
    throw training_error("fit_to: in epoch " + std::to_string(epoch) + ", step " +
                             std::to_string(step_) + ", " + what +
                             first_statement(processes_, std::move(where)).text +
                             ". The flow has the last good parameters. inf is a sample where the "
                             "target is 0: end the flow with a map into the target's support; NaN "
                             "is the target's mistake, or a learning rate that is too high",
                         epoch, step_);
  }

  /// What must be equal in a run that goes on from this one's checkpoint.
  run_description describe() const {
    run_description run = q_.describe(elbo_.name);
    fingerprint data;
    for (std::size_t i = 0; i < context_.count; ++i)
      for (int k = 0; k < q_.context_size(); ++k) data.add(element(context_, i, k));
    run.emplace_back("contexts", std::to_string(context_.count));
    run.emplace_back("epochs", std::to_string(options_.epochs));
    run.emplace_back("steps_per_epoch", std::to_string(options_.steps_per_epoch));
    run.emplace_back("batch_size", std::to_string(options_.batch_size));
    run.emplace_back("optimizer", optimizer_text(options_.optimizer));
    run.emplace_back("seed", std::to_string(options_.seed));
    run.emplace_back("data", data.text());
    return run;
  }

  /// As many as this process's part of the batch has parts worth a thread: their number must not
  /// depend on that of the threads.
  static std::size_t count_shares(std::size_t batch_size, const processes& all) {
    if (batch_size == 0) throw std::invalid_argument("fit_to: expected batch_size >= 1, got 0");
    return std::clamp<std::size_t>(batch_size / static_cast<std::size_t>(all.size()) / 128, 1, 32);
  }

  trained_flow<T>& q_;
  const elbo_functions<T>& elbo_;
  batch_view<const T> context_;
  const fit_to_options& options_;
  const processes& processes_;
  std::size_t context_size_;
  std::int64_t steps_;
  std::int64_t step_ = 0;
  parameter_steps<T> parameters_;
  run_record<T> record_;
  std::vector<T> losses_;
  std::vector<gradient_total<T>> totals_;
  std::vector<std::uint32_t> order_;
  std::uint64_t pass_ = 0;
  aligned_vector<T> rows_;
};

/// `fit_to`, with a row of context for each sample where the flow has given<C>.
template <class T>
fit_result run_fit_to(trained_flow<T>& q, const elbo_functions<T>& elbo,
                      const sample_source<T>& context, const fit_to_options& options,
                      const processes& all) {
  std::optional<batch_in_memory<T>> rows;
  std::optional<fit_to_loop<T>> loop;
  together(all, [&] {
    rows.emplace(context, q.context_size());
    loop.emplace(q, elbo, rows->view(), options, all);
  });
  return loop->run();
}

/// The same for a flow, a target and a group of processes of their own types.
template <class Flow, class Target, class Group, class Context>
fit_result fit_to_target(Flow& q, const Target& target, const fit_to_options& options,
                         const Group& group, const Context& context_of) {
  using T = typename Flow::value_type;
  using estimator = elbo_estimator<Target>;
  trained<Flow> flow(q);
  const auto accumulate = [&](const drawn_samples<T>& samples, elbo_scale scale,
                              std::span<T> gradient, workspace<T>& ws, T* losses) {
    philox stream = samples.stream;
    accumulate_elbo<estimator::path_only>(
        q, estimator::density(target), scale, stream, samples.count, samples.number, gradient, ws,
        samples.contexts, [&](std::size_t first, int count, const T* some) {
          std::copy_n(some, count, losses + first);
        });
  };
  const auto draw = [&](const drawn_samples<T>& samples, batch_view<T> y) {
    philox stream = samples.stream;
    workspace<T> ws = q.make_workspace();
    q.write_samples(stream, samples.count, y, {}, ws, {samples.contexts});
  };
  const processes_of<Group> all(group);
  sample_source<T> context;
  together(all, [&] { context = context_of(); });
  return run_fit_to<T>(flow,
                       {estimator::path_only ? "fit_to, path only" : "fit_to", accumulate, draw},
                       context, options, all);
}

} // namespace detail

/// Brings q near a target: any that elbo() takes, path_only(target) too. best_epoch of the result
/// is the last one, as the flow keeps its last parameters.
///
/// A target that is -inf or NaN for a sample stops training, whatever the annealing factor: samples
/// outside the target's support have a loss of infinity, and leaving them out would fit another
/// density. Memory: five vectors of the parameters' length, one more for each 128 samples of a
/// batch (at most 31), a workspace for each thread. A step after the first allocates nothing.
///
/// Several processes may share the run: each calls fit_to with the same arguments (bijou/mpi.hpp),
/// draws its part of the samples that one would draw, and ends with the same bits as all: those of
/// one process but for rounding.
/// \throws std::invalid_argument if options or a checkpoint do not fit \throws training_error if a
/// loss or gradient becomes NaN or infinite, or another process fails; q keeps the last good
/// parameters, as it does when the callback throws
template <class Flow, class Target, process_group Processes = one_process>
fit_result fit_to(Flow& q, const Target& target, const fit_to_options& options = {},
                  const Processes& processes = {}) {
  constexpr bool fits = elbo_objective<Target, detail::no_context>::template fits<Flow>();
  if constexpr (fits) {
    return detail::fit_to_target(q, target, options, processes,
                                 [] { return detail::sample_source<typename Flow::value_type>{}; });
  } else {
    return {};
  }
}
/// The amortised form, for flows with given<C>: contexts (n, C) of the samples, all rows in a new
/// order again and again. sample_numbers count the samples of a step.
template <class Flow, class Target, detail::xtensor_like Context,
          process_group Processes = one_process>
fit_result fit_to(Flow& q, const Target& target, const Context& context,
                  const fit_to_options& options = {}, const Processes& processes = {}) {
  using T = typename Flow::value_type;
  constexpr bool fits = elbo_objective<Target, batch_view<const T>>::template fits<Flow>();
  if constexpr (fits) {
    return detail::fit_to_target(q, target, options, processes, [&] {
      detail::check_shape("fit_to", "a context", context, Flow::context_size);
      return detail::source_of<T>(context);
    });
  } else {
    return {};
  }
}

} // namespace bijou::inline BIJOU_ISA

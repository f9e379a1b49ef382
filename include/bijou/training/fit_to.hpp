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
#include <memory>
#include <numeric>
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

/// One run: holds everything that a step needs, so that steps allocate nothing.
template <class Flow, class Target, class Processes> class fit_to_loop {
  using T = typename Flow::value_type;
  using estimator = elbo_estimator<Target>;

 public:
  fit_to_loop(Flow& q, const Target& target, batch_view<const T> context,
              const fit_to_options& options, const Processes& processes)
      : q_(q), target_(target), context_(context), options_(options), processes_(processes),
        steps_(std::int64_t{1} * options.epochs * options.steps_per_epoch),
        parameters_(q, options.optimizer, options.threads,
                    count_shares(options.batch_size, processes), processes),
        record_("fit_to", std::max(options.epochs, 0), options.checkpoint, options.callback,
                parameters_, processes),
        losses_(options.batch_size), totals_(parameters_.shares()), order_(context.count),
        rows_(options.batch_size * context_size) {
    if (options.epochs < 0 || options.steps_per_epoch < 1)
      throw std::invalid_argument("fit_to: expected epochs >= 0 and steps_per_epoch >= 1, got " +
                                  std::to_string(options.epochs) + " and " +
                                  std::to_string(options.steps_per_epoch));
    if (Flow::conditional && context.count == 0)
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
          accumulate_elbo<estimator::path_only>(
              q_, estimator::density(target_), scale, stream, s.end - s.begin, samples.begin, part,
              ws, contexts(samples), [&](std::size_t first, int count, const T* losses) {
                std::copy_n(losses, count, losses_.data() + samples.begin + first);
              });
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
    if constexpr (Flow::conditional)
      for (std::size_t i = own.begin; i < own.end; ++i) {
        const std::uint64_t pass = (drawn + i) / order_.size() + 1;
        while (pass_ < pass) shuffle(order_, philox(options_.seed), ++pass_); // after one another
        const std::uint32_t row = order_[(drawn + i) % order_.size()];
        for (std::size_t k = 0; k < context_size; ++k)
          rows_[i * context_size + k] = element(context_, row, static_cast<int>(k));
      }
  }
  batch_view<const T> contexts(share s) const {
    return {rows_.data() + s.begin * context_size, s.end - s.begin, Flow::context_size, 1};
  }

  /// Which of this process's samples spoils the loss, and where it lies.
  std::string bad_sample(std::uint64_t drawn, share own) {
    for (std::size_t i = own.begin; i < own.end; ++i) {
      if (std::isfinite(losses_[i])) continue;
      std::vector<T> z(static_cast<std::size_t>(Flow::size));
      workspace<T> ws = q_.make_workspace();
      philox stream(options_.seed);
      stream.advance(drawn + i);
      q_.draw(stream, 1, rows_of(z.data(), 1, Flow::size), {}, ws, {contexts({i, i + 1})});
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
    run_description run = describe_run(estimator::path_only ? "fit_to, path only" : "fit_to", q_);
    fingerprint data;
    for (std::size_t i = 0; i < context_.count; ++i)
      for (int k = 0; k < Flow::context_size; ++k) data.add(element(context_, i, k));
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
  static std::size_t count_shares(std::size_t batch_size, const Processes& processes) {
    if (batch_size == 0) throw std::invalid_argument("fit_to: expected batch_size >= 1, got 0");
    return std::clamp<std::size_t>(batch_size / static_cast<std::size_t>(processes.size()) / 128, 1,
                                   32);
  }

  static constexpr auto context_size = static_cast<std::size_t>(Flow::context_size);
  Flow& q_;
  const Target& target_;
  batch_view<const T> context_;
  const fit_to_options& options_;
  const Processes& processes_;
  std::int64_t steps_;
  std::int64_t step_ = 0;
  parameter_steps<Flow, Processes> parameters_;
  run_record<Flow, Processes> record_;
  std::vector<T> losses_;
  std::vector<gradient_total<T>> totals_;
  std::vector<std::uint32_t> order_;
  std::uint64_t pass_ = 0;
  aligned_vector<T> rows_;
};

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
    std::unique_ptr<detail::fit_to_loop<Flow, Target, Processes>> loop;
    detail::together(processes, [&] {
      loop = std::make_unique<detail::fit_to_loop<Flow, Target, Processes>>(
          q, target, batch_view<const typename Flow::value_type>{}, options, processes);
    });
    return loop->run();
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
    std::unique_ptr<detail::batch_in_memory<T, Context>> rows;
    std::unique_ptr<detail::fit_to_loop<Flow, Target, Processes>> loop;
    detail::together(processes, [&] {
      detail::check_shape("fit_to", "a context", context, Flow::context_size);
      rows = std::make_unique<detail::batch_in_memory<T, Context>>(context, Flow::context_size);
      loop = std::make_unique<detail::fit_to_loop<Flow, Target, Processes>>(q, target, rows->view(),
                                                                            options, processes);
    });
    return loop->run();
  } else {
    return {};
  }
}

} // namespace bijou::inline BIJOU_ISA

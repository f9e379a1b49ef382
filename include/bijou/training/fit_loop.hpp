#pragma once
/// \file
/// The training loop behind `fit`: steps, epochs, early stopping, and what happens when it fails.

#include <bijou/flow/thread_team.hpp>
#include <bijou/training/batches.hpp>
#include <bijou/training/context_units.hpp>
#include <bijou/training/fit_options.hpp>
#include <bijou/training/parameter_steps.hpp>
#include <bijou/training/processes.hpp>
#include <bijou/training/run_record.hpp>
#include <bijou/training/trained_flow.hpp>
#include <bijou/transformers/option_text.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA::detail {

/// How a flow scores samples: what `fit` asks of one beside all that trained_flow says.
template <class T> struct scoring_functions {
  /// Adds the gradient of scale * sum_i w_i log p(y_i), and gives that sum and each log p.
  function_ref<double(const weighted_batch<T>&, double scale, std::span<T> gradient, workspace<T>&,
                      T* log_prob)>
      accumulate_gradient;
  function_ref<void(const weighted_batch<T>&, T* log_prob, workspace<T>&)> log_prob;
};

/// One run: holds everything that a step needs, so that steps allocate nothing.
template <class T> class fit_loop {
 public:
  /// Trains q on the rows `order` of `samples`; all rows of `validation` judge.
  fit_loop(trained_flow<T>& q, const scoring_functions<T>& score, const weighted_batch<T>& samples,
           std::vector<std::uint32_t> order, const weighted_batch<T>& validation,
           const fit_options& options, const processes& all)
      : q_(q), score_(score), options_(options), processes_(all), samples_(samples),
        order_(std::move(order)), validation_(validation),
        batches_(count_batches(order_.size(), checked(options))),
        steps_(static_cast<std::int64_t>(batches_) * options.epochs),
        parameters_(q.parameters(), q.make_gradient_workspace(), options.optimizer, options.threads,
                    static_cast<std::size_t>(std::max(options.threads, 0)), all),
        record_("fit", options.epochs, options.checkpoint, options.callback, parameters_, all),
        batch_(samples, std::min(order_.size(), options.batch_size), q.size(), q.context_size()),
        log_prob_(std::max(options.batch_size, validation.samples.count)),
        losses_(parameters_.shares()), totals_(parameters_.shares()) {
    training_weight_ = mean_weight(
        "training", samples, order_,
        has_validation() ? ": try another seed, or choose the validation samples yourself" : "");
    std::vector<std::uint32_t> every(validation.samples.count);
    std::iota(every.begin(), every.end(), 0U);
    validation_weight_ = mean_weight("validation", validation, every,
                                     ": set more aside (validation_fraction), or choose them "
                                     "yourself");
  }

  /// For the result: that a share was to be set aside, and is of no sample.
  void remark_on_few_samples() {
    record_.remark("there is no validation: of " + std::to_string(order_.size()) +
                   (order_.size() == 1 ? " sample" : " samples") + " a share of " +
                   number_text(options_.validation_fraction) +
                   " is less than one. Nothing stops early, and the last parameters are kept");
  }

  /// Collective, like all that it calls.
  fit_result run() {
    try {
      together(processes_, [&] {
        for (std::string& r : prepare_context(q_, samples_, order_, options_.standardise_context))
          record_.remark(std::move(r));
      });
      record_.begin([&] { return describe(); });
      loop();
    } catch (...) {
      if (step_ == 0) q_.restore_context();
      parameters_.restore();
      throw;
    }
    if (has_validation()) parameters_.restore();
    return std::move(record_.result);
  }

 private:
  void loop() {
    progress_line line(options_.progress, processes_.rank() == 0);
    show_remarks(line);
    progress_report report{.epochs = options_.epochs, .steps = steps_};
    const auto start = std::chrono::steady_clock::now();
    const double before = record_.seconds();
    fit_result& result = record_.result;
    const philox noise(options_.seed);
    if (record_.epoch() > 0) { // orders follow from one another
      for (int epoch = 1; epoch <= record_.epoch(); ++epoch) reorder(noise, epoch);
      report.step = report.first_step = step_ = parameters_.steps();
      if (out_of_patience(record_.epoch())) {
        result.reason = stop_reason::patience;
        record_.remark_on_schedule(options_.schedule, step_, steps_);
        show_remarks(line);
        return;
      }
    } else if (has_validation()) {
      result.best_validation = report.validation = validate(0);
    }
    bool goes_on = true;
    for (int epoch = record_.epoch() + 1; goes_on && epoch <= options_.epochs; ++epoch) {
      fit_epoch record{.epoch = epoch};
      report.epoch = epoch;
      reorder(noise, epoch);
      double sum = 0;
      for (std::size_t b = 0; b < batches_; ++b) {
        const share rows = share::of(order_.size(), b, batches_);
        sum += step(epoch, b == 0, rows, record) * static_cast<double>(rows.end - rows.begin);
        report.step = step_;
        report.samples += static_cast<std::int64_t>(rows.end - rows.begin);
        report.training = sum / static_cast<double>(rows.end);
        line.update(report);
      }
      record.training = report.training;
      if (has_validation()) record.validation = report.validation = validate(epoch);
      record.best = keep(epoch, record.validation);
      record.seconds =
          before + std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      goes_on = record_.end_epoch(record, out_of_patience(epoch));
    }
    record_.remark_on_schedule(options_.schedule, step_, steps_);
    line.finish(report);
    show_remarks(line);
  }

  /// Those that were not shown yet.
  void show_remarks(progress_line& line) {
    const std::vector<std::string>& remarks = record_.result.remarks;
    for (; shown_ < remarks.size(); ++shown_) line.remark("fit: " + remarks[shown_]);
  }

  void reorder(const philox& noise, int epoch) {
    shuffle(order_, noise, static_cast<std::uint64_t>(epoch));
  }

  /// One minibatch: places [begin, end) of the order. Returns its loss.
  double step(int epoch, bool first_of_epoch, share places, fit_epoch& record) {
    ++step_;
    const std::size_t count = places.end - places.begin;
    const auto rows = std::span<const std::uint32_t>(order_).subspan(places.begin, count);
    const double scale = -1 / (static_cast<double>(count) * training_weight_);
    const share own = parameters_.own(count);
    double factor = 1;
    const double loss = parameters_.reduce([&] {
      if (options_.schedule) factor = scheduled("fit", options_.schedule, step_ - 1, steps_);
      parameters_.for_each_share([&](std::size_t r, std::span<T> gradient, workspace<T>& ws) {
        const share mine = parameters_.part(own, r);
        losses_[r] = 0;
        if (mine.begin == mine.end) return;
        batch_.gather(rows, mine.begin, mine.end);
        totals_[r].add(mine.end - mine.begin, gradient, [&](share s, std::span<T> sum) {
          const std::size_t first = mine.begin + s.begin;
          losses_[r] += score_.accumulate_gradient(batch_.view(first, mine.begin + s.end), scale,
                                                   sum, ws, log_prob_.data() + first);
        });
      });
      double sum = 0;
      for (const double l : losses_) sum += l;
      return sum;
    });
    if (!std::isfinite(loss))
      fail("the loss became " + std::to_string(loss), bad_sample(own, rows), epoch);
    // Without validation these parameters have just been seen to be good, and nothing else will
    // say.
    if (first_of_epoch && !has_validation()) parameters_.remember();
    const double norm = parameters_.step(factor);
    if (!std::isfinite(norm)) fail("the gradient's norm became " + std::to_string(norm), "", epoch);
    record.learning_rate = factor * options_.optimizer.learning_rate;
    record.gradient_norm = std::max(record.gradient_norm, norm);
    return loss;
  }

  double validate(int epoch) {
    const std::size_t count = validation_.samples.count;
    const share own = parameters_.own(count);
    const double sum = sum_of(processes_, [&] {
      parameters_.run([&](std::size_t r, workspace<T>& ws) {
        const share mine = parameters_.part(own, r);
        if (mine.begin == mine.end) return;
        score_.log_prob(part_of(validation_, mine), log_prob_.data() + mine.begin, ws);
      });
      double losses = 0; // in the samples' order: the same for every number of threads
      for (std::size_t i = own.begin; i < own.end; ++i) {
        const double weight =
            validation_.weights.empty() ? 1.0 : static_cast<double>(validation_.weights[i]);
        if (weight != 0) losses -= weight * static_cast<double>(log_prob_[i]);
      }
      return losses;
    });
    const double loss = sum / (static_cast<double>(count) * validation_weight_);
    if (!std::isfinite(loss))
      fail("the validation loss became " + std::to_string(loss), bad_sample(own, {}), epoch);
    return loss;
  }

  /// Remembers the parameters if they are the best so far.
  bool keep(int epoch, double validation) {
    fit_result& result = record_.result;
    if (has_validation() && !(validation < result.best_validation)) return false;
    result.best_epoch = epoch;
    result.best_validation = validation;
    if (has_validation()) parameters_.remember();
    return true;
  }
  bool out_of_patience(int epoch) const {
    return has_validation() && options_.patience > 0 &&
           epoch - record_.result.best_epoch >= options_.patience;
  }

  /// Which of this process's samples spoils the loss; rows are empty for validation samples.
  std::string bad_sample(share own, std::span<const std::uint32_t> rows) const {
    for (std::size_t i = own.begin; i < own.end; ++i)
      if (!std::isfinite(log_prob_[i]) && (!rows.empty() || is_present(validation_, i)))
        return ": log_prob of " +
               (rows.empty() ? "validation sample " + std::to_string(i)
                             : "sample " + std::to_string(rows[i])) +
               " is " + std::to_string(log_prob_[i]);
    return "";
  }
  /// In all processes alike; one of them may know where.
  [[noreturn]] void fail(const std::string& what, std::string where, int epoch) const {
    std::string known;
    for (const std::string& r : record_.result.remarks) known += "; also, " + r;
    throw training_error("fit: in epoch " + std::to_string(epoch) + ", step " +
                             std::to_string(step_) + ", " + what +
                             first_statement(processes_, std::move(where)).text +
                             ". The flow has the last good parameters. -inf is a sample outside "
                             "the flow's support; else try a lower learning rate or max_norm" +
                             known,
                         epoch, step_);
  }

  /// What must be equal in a run that goes on from this one's checkpoint.
  run_description describe() const {
    run_description run = q_.describe("fit");
    fingerprint data;
    const auto add = [&](const weighted_batch<T>& b) {
      for (std::size_t i = 0; i < b.samples.count; ++i) {
        for (int d = 0; d < q_.size(); ++d) data.add(element(b.samples, i, d));
        for (int d = 0; d < q_.context_size(); ++d) data.add(element(b.context, i, d));
      }
      for (const T w : b.weights) data.add(w);
    };
    add(samples_);
    add(validation_);
    for (const std::uint32_t row : order_) data.add(row);
    run.emplace_back("samples", std::to_string(order_.size()));
    run.emplace_back("validation samples", std::to_string(validation_.samples.count));
    run.emplace_back("epochs", std::to_string(options_.epochs));
    run.emplace_back("batch_size", std::to_string(options_.batch_size));
    run.emplace_back("optimizer", optimizer_text(options_.optimizer));
    run.emplace_back("patience", std::to_string(options_.patience));
    run.emplace_back("seed", std::to_string(options_.seed));
    run.emplace_back("data", data.text());
    return run;
  }

  bool has_validation() const { return validation_.samples.count > 0; }

  static const fit_options& checked(const fit_options& o) {
    if (o.epochs < 0)
      throw std::invalid_argument("fit: expected epochs >= 0, got " + std::to_string(o.epochs));
    if (o.batch_size == 0) throw std::invalid_argument("fit: expected batch_size >= 1, got 0");
    if (o.patience < 0)
      throw std::invalid_argument("fit: expected patience >= 0 (0: never stop early), got " +
                                  std::to_string(o.patience));
    return o;
  }
  static std::size_t count_batches(std::size_t count, const fit_options& options) {
    if (count == 0)
      throw std::invalid_argument(
          "fit: expected samples to train on, got none (samples of weight 0 do not count)");
    return (count + options.batch_size - 1) / options.batch_size;
  }

  trained_flow<T>& q_;
  const scoring_functions<T>& score_;
  const fit_options& options_;
  const processes& processes_;
  weighted_batch<T> samples_;
  std::vector<std::uint32_t> order_;
  weighted_batch<T> validation_;
  std::size_t batches_;
  std::int64_t steps_;
  std::int64_t step_ = 0;
  parameter_steps<T> parameters_;
  run_record<T> record_;
  gathered_batch<T> batch_;
  std::vector<T> log_prob_;
  std::vector<double> losses_; // of shares
  std::size_t shown_ = 0;      // remarks
  std::vector<gradient_total<T>> totals_;
  double training_weight_ = 1, validation_weight_ = 1;
};

/// `fit` on samples in memory. validation: those that judge, or null, for a share of the samples.
template <class T>
fit_result run_fit(trained_flow<T>& q, const scoring_functions<T>& score,
                   const weighted_batch<T>& samples, const weighted_batch<T>* validation,
                   const fit_options& options, const processes& all) {
  std::optional<weighted_samples<T>> learned_from, judges;
  std::optional<gathered_batch<T>> set_aside;
  std::optional<fit_loop<T>> loop;
  together(all, [&] {
    if (!options.weights.empty())
      throw std::invalid_argument(
          "fit: expected the weights in weighted_batch, not in the options");
    const auto checked = [&](const weighted_batch<T>& batch) -> const weighted_batch<T>& {
      check_training_batch(batch, q.size(), q.context_size());
      return batch;
    };
    learned_from.emplace(checked(samples));
    const weighted_batch<T>& from = learned_from->batch();
    if (validation) {
      judges.emplace(checked(*validation));
      row_split rows(from, 0, philox{});
      loop.emplace(q, score, from, std::move(rows.training), judges->batch(), options, all);
      return;
    }
    row_split rows(from, options.validation_fraction, philox(options.seed));
    const std::size_t aside = rows.validation.size();
    set_aside.emplace(from, aside, q.size(), q.context_size());
    set_aside->gather(rows.validation, 0, aside);
    loop.emplace(q, score, from, std::move(rows.training), set_aside->view(0, aside), options, all);
    if (aside == 0 && options.validation_fraction > 0) loop->remark_on_few_samples();
  });
  return loop->run();
}
/// `fit` on samples of any kind, with the weights in the options.
template <class T>
fit_result run_fit(trained_flow<T>& q, const scoring_functions<T>& score,
                   const sample_source<T>& samples, const sample_source<T>* context,
                   const fit_options& options, const processes& all) {
  std::optional<batch_in_memory<T>> y, c;
  std::vector<T> weights;
  together(all, [&] {
    for (std::size_t i = 0; i < options.weights.size(); ++i)
      if (!std::isfinite(options.weights[i]))
        throw std::invalid_argument("fit: expected finite weights, got " +
                                    std::to_string(options.weights[i]) + " in row " +
                                    std::to_string(i));
    weights = weights_in_units<T>(options.weights);
    y.emplace(samples, q.size());
    if (context) c.emplace(*context, q.context_size());
  });
  fit_options rest = options;
  rest.weights = {};
  weighted_batch<T> batch{y->view(), {}, weights};
  if (context) batch.context = c->view();
  return run_fit<T>(q, score, batch, nullptr, rest, all);
}

} // namespace bijou::inline BIJOU_ISA::detail

#pragma once
/// \file
/// The record that a training run keeps: where it begins, and what becomes of its epochs.

#include <bijou/kernels/printable.hpp>
#include <bijou/training/adam.hpp>
#include <bijou/training/checkpoint.hpp>
#include <bijou/training/fit_result.hpp>
#include <bijou/training/parameter_steps.hpp>
#include <bijou/training/processes.hpp>
#include <bijou/training/schedule.hpp>
#include <bijou/training/trained_flow.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace bijou::inline BIJOU_ISA::detail {

/// The optimizer's options, exactly.
inline std::string optimizer_text(const adam_options& o) {
  std::string text;
  for (const double x :
       {o.learning_rate, o.beta1, o.beta2, o.epsilon, o.weight_decay, o.max_norm}) {
    std::array<char, 32> digits{};
    std::snprintf(digits.data(), digits.size(), "%.17g", x);
    text += (text.empty() ? "" : ", ") + std::string(digits.data());
  }
  return text;
}

/// What a schedule gives for a step; throws unless it is a number.
inline double scheduled(const char* who, const schedule& s, std::int64_t step, std::int64_t total) {
  const double factor = s(step, total);
  if (!std::isfinite(factor))
    throw std::invalid_argument(std::string(who) + ": expected a schedule of finite factors, got " +
                                std::to_string(factor) + " in step " + std::to_string(step + 1) +
                                " of " + std::to_string(total));
  return factor;
}

/// Epochs are written down by all processes; the callback and the checkpoints hear of them from
/// rank 0, whose word counts for all.
template <class T> class run_record {
 public:
  /// `who` begins the messages; epochs are those planned.
  run_record(const char* who, int epochs, const checkpoints& places,
             const std::function<bool(const fit_epoch&)>& callback, parameter_steps<T>& parameters,
             const processes& all)
      : who_(who), epochs_(epochs), places_(places), callback_(callback), parameters_(parameters),
        processes_(all) {
    if (places.every < 1)
      throw std::invalid_argument(std::string(who) + ": expected checkpoints.every >= 1, got " +
                                  std::to_string(places.every));
    result.history.reserve(static_cast<std::size_t>(std::min(epochs, 1'000'000)));
  }

  fit_result result; ///< so far

  /// Into the result.
  void remark(std::string sentence) { result.remarks.push_back(std::move(sentence)); }
  /// Says so where the run ended early and its schedule would have lowered the rate a good deal:
  /// what the last steps at a low rate gain is missing then. `step` steps of `steps` are done.
  void remark_on_schedule(const schedule& s, std::int64_t step, std::int64_t steps) {
    if (!s || step == 0 || step >= steps || result.reason == stop_reason::epochs) return;
    const double reached = s(step - 1, steps), planned = s(steps - 1, steps);
    if (!(reached > 0.05 && planned < 0.5 * reached)) return;
    std::array<char, 200> text{};
    std::snprintf(
        text.data(), text.size(),
        "the run ended after epoch %d of %d, where the schedule's factor was %.2g; it would "
        "have fallen to %.2g. Fewer epochs%s let it run its course",
        epoch(), epochs_, reached, planned,
        result.reason == stop_reason::patience ? ", or patience = 0," : "");
    remark(text.data());
  }

  int epoch() const { return static_cast<int>(result.history.size()); } ///< the last one done
  /// Of the epochs done, those of an earlier run included.
  double seconds() const { return result.history.empty() ? 0 : result.history.back().seconds; }

  /// All processes begin with the parameters of rank 0, or where its checkpoint stands. describe()
  /// gives what training_state::run says. Collective.
  void begin(function_ref<run_description()> describe) {
    const bool reads = static_cast<bool>(places_.read);
    if (reads || places_.write || processes_.size() > 1) run_ = describe();
    check_agreement();
    const double resumed = sum_of(processes_, [&] {
      if (!reads || processes_.rank() != 0) return 0.0;
      const std::optional<training_state> state = places_.read();
      if (!state) return 0.0;
      take(*state);
      return 1.0;
    });
    if (processes_.size() == 1) return;
    training_vectors<T> vectors = parameters_.state();
    for (auto* v :
         {&vectors.parameters, &vectors.good, &vectors.first_moment, &vectors.second_moment})
      broadcast(std::span(*v));
    std::int64_t steps = parameters_.steps();
    broadcast(std::span(&steps, 1));
    parameters_.resume(steps, vectors);
    if (resumed == 0) return;
    std::size_t done = result.history.size();
    broadcast(std::span(&done, 1));
    result.history.resize(done);
    broadcast(std::span(result.history));
    broadcast(std::span(&result.best_epoch, 1));
    broadcast(std::span(&result.best_validation, 1));
  }

  /// Takes down an epoch. Returns whether training goes on; `enough` ends it for lack of patience.
  /// Collective.
  bool end_epoch(const fit_epoch& record, bool enough) {
    result.history.push_back(record);
    const double stopped = sum_of(processes_, [&] {
      if (processes_.rank() != 0) return 0.0;
      const bool stop = callback_ && !callback_(record);
      const bool last = stop || enough || record.epoch == epochs_;
      if (places_.write && (last || record.epoch % places_.every == 0))
        places_.write(
            {{run_.begin(), run_.end()}, parameters_.steps(), result, parameters_.state()});
      return stop ? 1.0 : 0.0;
    });
    if (stopped > 0)
      result.reason = stop_reason::callback;
    else if (enough)
      result.reason = stop_reason::patience;
    return stopped == 0 && !enough;
  }

 private:
  template <class X> void broadcast(std::span<X> values) const {
    processes_.broadcast(std::as_writable_bytes(values), 0);
  }

  /// Throws unless all processes train the same flow with the same options on the same data.
  void check_agreement() const {
    if (processes_.size() == 1) return;
    fingerprint run;
    for (const auto& [what, value] : run_) {
      run.add(what);
      run.add(value);
    }
    std::uint64_t first = run.value();
    broadcast(std::span(&first, 1));
    together(processes_, [&] {
      if (run.value() != first)
        throw std::invalid_argument(std::string(who_) +
                                    ": expected the flow, data and options of rank 0, got others "
                                    "on rank " +
                                    std::to_string(processes_.rank()));
    });
  }

  [[noreturn]] void refuse(const std::string& expected, const std::string& actual) const {
    throw std::invalid_argument(std::string(who_) + ": expected a checkpoint of this run, with " +
                                expected + ", got one with " + actual);
  }
  /// Goes on from a checkpoint of this run.
  void take(const training_state& state) {
    for (const auto& [what, value] : run_) {
      const std::string named = what + " ";
      const auto found = state.run.find(what);
      if (found == state.run.end()) refuse(named + value, "none");
      if (found->second != value) refuse(named + value, named + printable(found->second, 1000));
    }
    for (const auto& [what, value] : state.run)
      if (std::none_of(run_.begin(), run_.end(),
                       [&name = what](const auto& own) { return own.first == name; }))
        refuse("no " + printable(what, 60), printable(what, 60) + " " + printable(value, 1000));
    const auto* vectors = std::get_if<training_vectors<T>>(&state.vectors);
    if (vectors == nullptr) refuse("vectors of the flow's scalar type", "others");
    if (state.result.history.size() > static_cast<std::size_t>(epochs_))
      refuse("at most " + std::to_string(epochs_) + " epochs",
             std::to_string(state.result.history.size()));
    parameters_.resume(state.steps, *vectors);
    result.history.assign(state.result.history.begin(), state.result.history.end());
    result.best_epoch = state.result.best_epoch;
    result.best_validation = state.result.best_validation;
  }

  const char* who_;
  int epochs_;
  const checkpoints& places_;
  const std::function<bool(const fit_epoch&)>& callback_;
  parameter_steps<T>& parameters_;
  const processes& processes_;
  run_description run_;
};

} // namespace bijou::inline BIJOU_ISA::detail

#pragma once
/// \file
/// What `fit` takes and gives back: options, the record of each epoch, the result, the error.

#include <bijou/training/adam.hpp>
#include <bijou/training/progress.hpp>
#include <bijou/training/schedule.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// One pass over the training samples. Losses are mean negative log-likelihoods in nats.
struct fit_epoch {
  int epoch = 0; ///< from 1
  /// Mean over the epoch's minibatches, each at the parameters it met.
  double training = std::numeric_limits<double>::quiet_NaN();
  /// At the parameters after the epoch; NaN without validation samples.
  double validation = std::numeric_limits<double>::quiet_NaN();
  double learning_rate = 0; ///< of the last step
  double gradient_norm = 0; ///< the largest in the epoch, before clipping
  double seconds = 0;       ///< since fit began
  bool best = false;        ///< whether no epoch before had a lower validation loss
};

/// What fit takes; all of it has defaults. Designated initialisers read well:
/// `{.epochs = 200, .optimizer = {.learning_rate = 3e-3}}`.
struct fit_options {
  int epochs = 100;             ///< at most
  std::size_t batch_size = 256; ///< at most: batches of an epoch differ by one sample
  adam_options optimizer{};
  /// Scales the learning rate: any callable (step, total steps) -> factor.
  bijou::schedule schedule = schedules::constant{};
  double validation_fraction = 0.1; ///< share of the samples; 0: train on all of them
  /// Stops after so many epochs without a lower validation loss; 0: never.
  int patience = 20;
  /// One for each sample; empty: all 1. May be negative, as Monte Carlo weights are, as long as
  /// their sum is positive. Losses are divided by the mean weight of all training samples.
  std::span<const double> weights{};
  std::uint64_t seed = 0;      ///< of the validation split and of all shuffles
  int threads = 1;             ///< other numbers give other roundings
  progress_options progress{}; ///< the line on stderr
  /// Called after each epoch; returns false to stop.
  std::function<bool(const fit_epoch&)> callback{};
};

/// Why training ended: all epochs done, no better validation loss for long, or the callback.
enum class stop_reason { epochs, patience, callback };

/// What fit gives back.
struct fit_result {
  std::vector<fit_epoch> history; ///< one for each epoch
  /// The epoch whose parameters the flow has now; 0: those it came with.
  int best_epoch = 0;
  /// Validation loss of best_epoch, nats; NaN without validation samples.
  double best_validation = std::numeric_limits<double>::quiet_NaN();
  stop_reason reason = stop_reason::epochs; ///< why it ended
};

/// A loss or gradient that is not finite. The flow has the last good parameters: those of the
/// epoch with the best validation loss or, without validation, of the latest epoch known to be
/// good.
class training_error : public std::runtime_error {
 public:
  training_error(const std::string& what, int epoch, std::int64_t step)
      : std::runtime_error(what), epoch_(epoch), step_(step) {}
  int epoch() const { return epoch_; }        ///< in which it happened, from 1
  std::int64_t step() const { return step_; } ///< of all steps, from 1; 0: before the first

 private:
  int epoch_;
  std::int64_t step_;
};

} // namespace bijou::inline BIJOU_ISA

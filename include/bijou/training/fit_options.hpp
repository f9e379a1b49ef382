#pragma once
/// \file
/// What `fit` takes.

#include <bijou/training/adam.hpp>
#include <bijou/training/checkpoint.hpp>
#include <bijou/training/fit_result.hpp>
#include <bijou/training/progress.hpp>
#include <bijou/training/schedule.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace bijou::inline BIJOU_ISA {

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
  /// Whether a flow with given<C> takes the units of its context from the training samples first,
  /// as standardise_context does, |weights| counted. One that has units already keeps them.
  bool standardise_context = false;
  std::uint64_t seed = 0;      ///< of the validation split and of all shuffles
  int threads = 1;             ///< other numbers give other roundings
  progress_options progress{}; ///< the line on stderr
  /// Called after each epoch; returns false to stop.
  std::function<bool(const fit_epoch&)> callback{};
  checkpoints checkpoint{}; ///< checkpoint_file(path) of bijou/io/checkpoint.hpp
};

} // namespace bijou::inline BIJOU_ISA

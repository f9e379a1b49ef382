#pragma once
/// \file
/// What an adaptive integration takes, tells and gives back.

#include <bijou/training/adam.hpp>
#include <bijou/training/schedule.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// One iteration: new samples, all of one proposal.
struct integral_iteration {
  int iteration = 0;         ///< from 1
  double value = 0;          ///< its own estimate of the integral
  double standard_error = 0; ///< of value
  /// The iteration's weight in the mean that is the result, not normalised: 1 / the variance of a
  /// sample in the iteration before (which is independent of this one's value), clamped to what
  /// double holds. 0 while warming up.
  double weight = 0;
  double effective = 0; ///< the samples' effective number by |f| / q, a share of their number
  /// After the iteration the flow was trained on |f| to this power; NaN if it was not trained.
  double power = std::numeric_limits<double>::quiet_NaN();
};

/// What integrate takes; all of it has defaults. Shares of the iterations are rounded.
struct integrate_options {
  std::size_t evaluations = 1'000'000; ///< calls of the integrand, in all
  int iterations = 100;                ///< each draws evaluations / iterations samples
  double warm_up = 0.3;         ///< share of the iterations that only train, at least the first one
  double training = 0.6;        ///< share of the iterations after which the flow is trained
  int steps_per_iteration = 50; ///< steps of the optimizer after such an iteration
  std::size_t batch_size = 1024; ///< samples of a step
  int remembered = 20;           ///< a step's samples are of so many latest iterations
  /// The least share of samples that training lets count. Where fewer are effective by |f| / q, a
  /// few large weights would decide alone, and the flow would lose modes that few samples have met:
  /// it is then trained on a power of |f| small enough that this share is effective. 0: always |f|.
  double least_effective = 0.05;
  adam_options optimizer{.learning_rate = 5e-3};
  /// Scales the learning rate: any callable (step, total steps) -> factor.
  bijou::schedule schedule = schedules::cosine{};
  std::uint64_t seed = 0; ///< of the samples, and of the order they are trained on
  int threads = 1;        ///< they call the integrand at once
  /// Called after each iteration.
  std::function<void(const integral_iteration&)> callback{};
};

/// What integrate gives back.
struct integral_estimate {
  double value = 0;
  double standard_error = 0;
  /// Chi-squared of the iterations' values about `value`, per degree of freedom. It is about 1 if
  /// errors are what they say; where f / q has a long tail, as at an edge of f that q has rounded
  /// off, 1.3 to 2 are usual, and value is still right within its error. NaN if fewer than two
  /// iterations count.
  double chi_squared = std::numeric_limits<double>::quiet_NaN();
  /// The share of q's samples that rejection would keep, to draw from |f| itself: mean w / max w
  /// with w = |f| / q, over the samples that were drawn after the training (over the last
  /// iteration's where training never ended).
  double unweighting_efficiency = 0;
  std::size_t evaluations = 0; ///< of the integrand
  std::vector<integral_iteration> history;
};

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// What training gives back: the record of each epoch, the result, the error.

#include <bijou/kernels/isa.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
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
  /// What a user may not expect of the run, a sentence each, which the progress line shows too:
  /// that there was no validation, that it ended long before its schedule, that its context is far
  /// from order one. Not part of checkpoints.
  std::vector<std::string> remarks{};
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

namespace detail {

/// A sample as messages show it: "(1.500000, -2.000000)".
template <class Numbers> std::string point_text(const Numbers& x) {
  std::string text = "(";
  for (std::size_t d = 0; d < x.size(); ++d) text += (d > 0 ? ", " : "") + std::to_string(x[d]);
  return text + ")";
}

} // namespace detail

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// Moments of importance weights, and estimates combined with weights, of any size: in units of the
/// largest, so that nothing is too large or too small to be squared and summed.

#include <bijou/kernels/isa.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace bijou::inline BIJOU_ISA::detail {

/// exp(log_size), with the sign of factor and times its size: without overflow on the way.
inline double scaled(double log_size, double factor) {
  return factor == 0 ? 0 : std::copysign(std::exp(log_size + std::log(std::abs(factor))), factor);
}

/// Moments of f / q over samples of q, in units of the largest |f| / q: whatever the scale of f is,
/// nothing is too large or small to be squared.
class weight_moments {
 public:
  /// A sample with log(|f| / q), -inf where f is 0, and the sign of f.
  void add(double log_size, int sign) {
    ++count_;
    if (log_size > log_largest_) {
      const double shrink = std::exp(log_largest_ - log_size);
      sum_ *= shrink;
      sum_of_sizes_ *= shrink;
      sum_of_squares_ *= shrink * shrink;
      log_largest_ = log_size;
    }
    if (std::isinf(log_size)) return;
    const double w = std::exp(log_size - log_largest_);
    sum_ += sign * w;
    sum_of_sizes_ += w;
    sum_of_squares_ += w * w;
  }

  bool all_zero() const { return std::isinf(log_largest_); }
  double mean() const { return scaled(log_largest_, sum_ / count_); }
  /// log of the mean's standard error.
  double log_standard_error() const {
    return log_largest_ + 0.5 * std::log(relative_variance() / (count_ - 1));
  }
  /// log of the variance of one sample; -inf only where all are 0.
  double log_variance() const { return 2 * log_largest_ + std::log(relative_variance()); }
  double effective() const {
    return all_zero() ? 0 : sum_of_sizes_ * sum_of_sizes_ / (count_ * sum_of_squares_);
  }
  /// Share of the samples that rejection by w / max w keeps.
  double kept() const { return all_zero() ? 0 : sum_of_sizes_ / count_; }

 private:
  /// Where all are equal, what rounding of log q in float leaves of it.
  double relative_variance() const {
    const double square = sum_of_squares_ / count_, mean = sum_ / count_;
    return std::max(square - mean * mean, 1e-14 * square);
  }

  double log_largest_ = -std::numeric_limits<double>::infinity();
  double count_ = 0, sum_ = 0, sum_of_squares_ = 0, sum_of_sizes_ = 0;
};

/// Estimates that are combined with weights of any size.
class weighted_estimates {
 public:
  void add(double value, double log_standard_error, double log_weight) {
    terms_.push_back({value, log_standard_error, log_weight});
  }

  struct combination {
    double value = 0, standard_error = 0;
    double chi_squared = std::numeric_limits<double>::quiet_NaN();
  };
  /// Mean, its error, and the scatter about it for each degree of freedom.
  combination combined() const {
    combination result;
    if (terms_.empty()) return result;
    constexpr double inf = std::numeric_limits<double>::infinity();
    double log_largest = -inf; // of the weights
    for (const term& t : terms_) log_largest = std::max(log_largest, t.log_weight);
    const auto log_size = [&](const term& t) { // of a value with its weight
      return t.log_weight - log_largest + std::log(std::abs(t.value));
    };
    const auto log_error = [&](const term& t) {
      return t.log_weight - log_largest + t.log_standard_error;
    };
    double largest_size = -inf, largest_error = -inf;
    for (const term& t : terms_) {
      largest_size = std::max(largest_size, log_size(t));
      largest_error = std::max(largest_error, log_error(t));
    }
    double total = 0, sum = 0, squares = 0;
    for (const term& t : terms_) {
      total += std::exp(t.log_weight - log_largest);
      if (!std::isinf(largest_size))
        sum += std::copysign(std::exp(log_size(t) - largest_size), t.value);
      if (!std::isinf(largest_error)) squares += std::exp(2 * (log_error(t) - largest_error));
    }
    if (!std::isinf(largest_size)) result.value = scaled(largest_size, sum / total);
    if (!std::isinf(largest_error))
      result.standard_error = scaled(largest_error, std::sqrt(squares) / total);
    if (terms_.size() < 2) return result;
    double scatter = 0;
    for (const term& t : terms_) {
      const double distance = t.value - result.value;
      if (distance != 0)
        scatter += std::exp(2 * (std::log(std::abs(distance)) - t.log_standard_error));
    }
    result.chi_squared = scatter / static_cast<double>(terms_.size() - 1);
    return result;
  }

 private:
  struct term {
    double value, log_standard_error, log_weight;
  };
  std::vector<term> terms_;
};

} // namespace bijou::inline BIJOU_ISA::detail

#pragma once
/// \file
/// What importance weights say about a proposal: effective sample size, evidence, Pareto-k.
///
/// All of them take log weights log w_i = log p(z_i) - log q(z_i), nats, z_i drawn from q. Weights
/// of 0 (log weight -inf) are fine; NaN and +inf are refused. The largest is taken out before
/// anything is exponentiated, so that any range of log weights will do. In double, whatever the
/// type of the weights.

#include <bijou/kernels/isa.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// Sums of weights, in units of the largest.
struct weight_sums {
  double log_largest; ///< -inf if all weights are 0
  double sum, sum_of_squares;
};

template <class T> weight_sums sum_weights(const char* who, std::span<const T> log_weights) {
  if (log_weights.empty())
    throw std::invalid_argument(std::string(who) + ": expected log weights, got none");
  double largest = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < log_weights.size(); ++i) {
    const auto l = static_cast<double>(log_weights[i]);
    if (std::isnan(l) || l == std::numeric_limits<double>::infinity())
      throw std::invalid_argument(std::string(who) + ": expected log weights below infinity, got " +
                                  std::to_string(l) + " in place " + std::to_string(i));
    largest = std::max(largest, l);
  }
  weight_sums sums{largest, 0, 0};
  if (std::isinf(largest)) return sums;
  for (const T l : log_weights) {
    const double w = std::exp(static_cast<double>(l) - largest);
    sums.sum += w;
    sums.sum_of_squares += w * w;
  }
  return sums;
}

} // namespace detail

/// Kish's effective sample size, (sum w)^2 / sum w^2: from 1, one weight outweighs all others, to
/// n, all are equal; 0 if all weights are 0. Source: Kong, "A note on importance sampling using
/// standardized weights", University of Chicago, 1992. Cost: one exponential a weight.
/// \throws std::invalid_argument if there are no weights, or one is NaN or infinite
template <class T> double effective_sample_size(std::span<const T> log_weights) {
  const auto s = detail::sum_weights("effective_sample_size", log_weights);
  return s.sum > 0 ? s.sum * s.sum / s.sum_of_squares : 0;
}

/// An estimate and its standard error.
struct log_evidence_estimate {
  double value;          ///< log Z, nats; -inf if all weights are 0
  double standard_error; ///< of value, nats; NaN for a single weight or none above 0
};

/// log Z = log E_q[p / q], estimated by log(mean w). Its standard error is that of the mean divided
/// by the mean (first order): sqrt((mean(w^2) / mean(w)^2 - 1) / (n - 1)). The estimate of Z is
/// unbiased, that of log Z is low by about half the squared error. Trust the error where pareto_k
/// is below 0.5. Source: Owen, "Monte Carlo theory, methods and examples", chapter 9.
/// \throws std::invalid_argument as effective_sample_size
template <class T> log_evidence_estimate log_evidence(std::span<const T> log_weights) {
  const auto s = detail::sum_weights("log_evidence", log_weights);
  const auto n = static_cast<double>(log_weights.size());
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  if (!(s.sum > 0)) return {s.log_largest, nan};
  const double relative = n * s.sum_of_squares / (s.sum * s.sum) - 1;
  return {s.log_largest + std::log(s.sum / n),
          n > 1 ? std::sqrt(std::max(relative, 0.0) / (n - 1)) : nan};
}

/// Shape k of the generalised Pareto distribution fitted to excesses over a threshold, ascending
/// and positive: the profile posterior mean of Zhang & Stephens, "A new and efficient estimation
/// method for the generalized Pareto distribution", Technometrics 51 (2009), with k of the
/// opposite sign (positive: heavy tails). Cost: n (30 + sqrt(n)) logarithms.
/// \throws std::invalid_argument for fewer than 5 excesses
inline double pareto_shape(std::span<const double> excesses) {
  const std::size_t n = excesses.size();
  if (n < 5)
    throw std::invalid_argument("pareto_shape: expected at least 5 excesses, got " +
                                std::to_string(n));
  const auto count = static_cast<double>(n);
  const auto grid = static_cast<std::size_t>(30 + std::sqrt(count));
  const double quartile = excesses[static_cast<std::size_t>(std::floor(count / 4 + 0.5)) - 1];
  const double largest = excesses[n - 1];
  const auto shape_at = [&](double theta) { // k of the profile likelihood
    double sum = 0;
    for (const double x : excesses) sum += std::log1p(-theta * x);
    return sum / count;
  };
  std::vector<double> theta(grid), log_likelihood(grid);
  for (std::size_t j = 0; j < grid; ++j) {
    const double root =
        std::sqrt(static_cast<double>(grid) / (static_cast<double>(j) + 0.5)); // j from 1, less 1/2
    theta[j] = 1 / largest + (1 - root) / (3 * quartile);
    const double k = shape_at(theta[j]);
    log_likelihood[j] = count * (std::log(-theta[j] / k) - k - 1);
  }
  double mean = 0, total = 0;
  const double best = *std::max_element(log_likelihood.begin(), log_likelihood.end());
  for (std::size_t j = 0; j < grid; ++j) {
    const double w = std::exp(log_likelihood[j] - best);
    mean += w * theta[j];
    total += w;
  }
  return shape_at(mean / total);
}

/// Pareto-k of importance weights: the shape of a generalised Pareto distribution fitted to the
/// largest of them, M = min(n / 5, 3 sqrt(n)), and drawn towards 0.5 as by ten more observations.
/// Below 0.5 the weights' variance is finite; up to 0.7 estimates converge usefully; above, the
/// proposal misses part of the target and no number of samples that one can afford helps. -inf if
/// the largest weights are all equal, +inf if there are too few above 0 (5) to say.
/// Source: Vehtari, Simpson, Gelman, Yao & Gabry, "Pareto smoothed importance sampling",
/// 1507.02646. Cost: n log n comparisons; allocates.
/// \throws std::invalid_argument as effective_sample_size
template <class T> double pareto_k(std::span<const T> log_weights) {
  const auto s = detail::sum_weights("pareto_k", log_weights);
  constexpr double inf = std::numeric_limits<double>::infinity();
  const auto n = static_cast<double>(log_weights.size());
  const auto tail = static_cast<std::size_t>(std::ceil(std::min(0.2 * n, 3 * std::sqrt(n))));
  if (tail < 5 || tail >= log_weights.size() || std::isinf(s.log_largest)) return inf;
  std::vector<double> sorted(log_weights.begin(), log_weights.end());
  std::sort(sorted.begin(), sorted.end());
  const double threshold = std::exp(sorted[sorted.size() - tail - 1] - s.log_largest);
  std::vector<double> excesses;
  for (std::size_t i = sorted.size() - tail; i < sorted.size(); ++i)
    if (const double x = std::exp(sorted[i] - s.log_largest) - threshold; x > 0)
      excesses.push_back(x);
  if (excesses.empty() && threshold > 0) return -inf;
  if (excesses.size() < 5) return inf;
  const auto m = static_cast<double>(excesses.size());
  return (m * pareto_shape(excesses) + 10 * 0.5) / (m + 10);
}

} // namespace bijou::inline BIJOU_ISA

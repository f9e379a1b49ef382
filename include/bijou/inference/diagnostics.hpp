#pragma once
/// \file
/// What importance weights say about a proposal: effective sample size, evidence, Pareto-k.
///
/// All of them take log weights log w_i = log p(z_i) - log q(z_i), nats, z_i drawn from q, as any
/// contiguous range of floats or doubles: a std::vector, std::array or std::span, or an xtensor
/// whose elements lie one behind the other. Weights of 0 (log weight -inf) are fine; NaN and +inf
/// are refused. Weights are taken in units of the largest, so that any range of log weights will
/// do: neither they nor their squares overflow. In double, whatever the type of the weights.

#include <bijou/kernels/isa.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <memory>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

template <class Range>
concept contiguous_numbers =
    std::ranges::contiguous_range<const Range&> && std::ranges::sized_range<const Range&> &&
    std::floating_point<std::ranges::range_value_t<const Range&>>;

/// A view of the numbers of a range. What is no such range does not compile, with a sentence.
template <class Range> auto numbers_of(const Range& range) {
  constexpr bool contiguous = contiguous_numbers<Range>; // a constant: compilers explain concepts
  static_assert(contiguous,
                "bijou: diagnostics take a contiguous range of float or double: a std::vector, a "
                "std::span, an xtensor; evaluate a lazy or strided one, xt::eval(log_p - log_q)");
  if constexpr (contiguous) // not by data(), where views of xtensor forget their offset
    return std::span<const std::ranges::range_value_t<const Range&>>(
        std::to_address(std::ranges::begin(range)), std::ranges::size(range));
  else
    return std::span<const double>(); // so that nothing but the sentence is printed
}

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

/// pareto_shape of excesses x_i by r_i = log(x_i / x_q), ascending, x_q the lower quartile. The
/// paper's theta is -v / x_q here: v z_i = -theta x_i, z_i = x_i / x_q.
inline double pareto_shape_of_log_ratios(std::span<const double> r) {
  const auto count = static_cast<double>(r.size());
  const auto grid = static_cast<std::size_t>(30 + std::sqrt(count));
  std::vector<double> z;
  for (const double log_ratio : r) z.push_back(std::exp(log_ratio));
  const auto shape_at = [&](double v) { // k of the profile likelihood
    double sum = 0;
    for (std::size_t i = 0; i < r.size(); ++i)
      sum += std::isinf(z[i]) ? std::log(v) + r[i] : std::log1p(v * z[i]);
    return sum / count;
  };
  double mean_of_z = 0;
  for (const double ratio : z) mean_of_z += ratio / count;
  std::vector<double> v(grid), log_likelihood(grid);
  for (std::size_t j = 0; j < grid; ++j) {
    const double root =
        std::sqrt(static_cast<double>(grid) / (static_cast<double>(j) + 0.5)); // j from 1, less 1/2
    v[j] = (root - 1) / 3 - std::exp(-r.back());
    const double k = shape_at(v[j]);
    // Where v is 0 the distribution is exponential: v / k by its limit. Ties reach it exactly.
    log_likelihood[j] = count * ((v[j] == 0 ? -std::log(mean_of_z) : std::log(v[j] / k)) - k - 1);
  }
  double mean = 0, total = 0;
  const double best = *std::max_element(log_likelihood.begin(), log_likelihood.end());
  for (std::size_t j = 0; j < grid; ++j) {
    const double w = std::exp(log_likelihood[j] - best);
    mean += w * v[j];
    total += w;
  }
  return shape_at(mean / total);
}

/// The place of the lower quartile of n sorted excesses.
constexpr std::size_t lower_quartile(std::size_t n) { return (n + 2) / 4 - 1; }

} // namespace detail

/// Kish's effective sample size, (sum w)^2 / sum w^2: from 1, one weight outweighs all others, to
/// n, all are equal; 0 if all weights are 0. Weights of 0 change nothing. Source: Kong, "A note on
/// importance sampling using standardized weights", University of Chicago, 1992. Cost: one
/// exponential a weight.
/// \throws std::invalid_argument if there are no weights, or one is NaN or infinite
template <class Range> double effective_sample_size(const Range& log_weights) {
  const auto s = detail::sum_weights("effective_sample_size", detail::numbers_of(log_weights));
  return s.sum > 0 ? s.sum * s.sum / s.sum_of_squares : 0;
}

/// An estimate and its standard error.
struct log_evidence_estimate {
  double value;          ///< log Z, nats; -inf if all weights are 0
  double standard_error; ///< of value, nats; NaN for a single weight or none above 0
};

/// log Z = log E_q[p / q], estimated by log(mean w); weights of 0 count as samples. Its standard
/// error is that of the mean divided by the mean (first order): sqrt(variance / (n - 1)) / mean,
/// the variance that of the n weights about their mean. The estimate of Z is unbiased, that of log
/// Z is low by about half the squared error. Trust the error where pareto_k is below 0.5. Source:
/// Owen, "Monte Carlo theory, methods and examples", chapter 9. Cost: two exponentials a weight.
/// \throws std::invalid_argument as effective_sample_size
template <class Range> log_evidence_estimate log_evidence(const Range& log_weights) {
  const auto logs = detail::numbers_of(log_weights);
  const auto s = detail::sum_weights("log_evidence", logs);
  const auto n = static_cast<double>(logs.size());
  if (!(s.sum > 0)) return {s.log_largest, std::numeric_limits<double>::quiet_NaN()};
  const double mean = s.sum / n;
  double squares = 0; // about the mean: mean(w^2) - mean(w)^2 would lose nearly equal weights
  for (const auto l : logs) {
    const double off = std::exp(static_cast<double>(l) - s.log_largest) - mean;
    squares += off * off;
  }
  return {s.log_largest + std::log(mean), n > 1 ? std::sqrt(squares / n / (n - 1)) / mean
                                                : std::numeric_limits<double>::quiet_NaN()};
}

/// Shape k of the generalised Pareto distribution fitted to excesses over a threshold, ascending
/// and positive: the profile posterior mean of Zhang & Stephens, "A new and efficient estimation
/// method for the generalized Pareto distribution", Technometrics 51 (2009), with k of the
/// opposite sign (positive: heavy tails). Excesses may be equal, and of any scale. Cost:
/// n (30 + sqrt(n)) logarithms; allocates.
/// \throws std::invalid_argument for fewer than 5 excesses
template <class Range> double pareto_shape(const Range& excesses) {
  const auto x = detail::numbers_of(excesses);
  if (x.size() < 5)
    throw std::invalid_argument("pareto_shape: expected at least 5 excesses, got " +
                                std::to_string(x.size()));
  const double log_quartile = std::log(static_cast<double>(x[detail::lower_quartile(x.size())]));
  std::vector<double> ratios;
  for (const auto excess : x)
    ratios.push_back(std::log(static_cast<double>(excess)) - log_quartile);
  return detail::pareto_shape_of_log_ratios(ratios);
}

/// Pareto-k of importance weights: the shape of a generalised Pareto distribution fitted to the
/// largest of them, M = min(n / 5, 3 sqrt(n)) rounded up, and drawn towards 0.5 as by ten more
/// observations. Those that equal the threshold, the largest below the M, are not among its
/// excesses. Below 0.5 the weights' variance is finite; up to 0.7 estimates converge usefully;
/// above, the proposal misses part of the target and no number of samples that one can afford
/// helps. -inf if the largest weights are all equal, +inf if there are too few excesses (5) to say.
/// Source: Vehtari, Simpson, Gelman, Yao & Gabry, "Pareto smoothed importance sampling",
/// 1507.02646. Cost: n log n comparisons; allocates.
/// \throws std::invalid_argument as effective_sample_size
template <class Range> double pareto_k(const Range& log_weights) {
  const auto logs = detail::numbers_of(log_weights);
  const auto s = detail::sum_weights("pareto_k", logs);
  constexpr double inf = std::numeric_limits<double>::infinity();
  const auto n = static_cast<double>(logs.size());
  const auto tail = static_cast<std::size_t>(std::ceil(std::min(n / 5, 3 * std::sqrt(n))));
  if (tail < 5 || tail >= logs.size() || std::isinf(s.log_largest)) return inf;
  std::vector<double> sorted(logs.begin(), logs.end());
  std::sort(sorted.begin(), sorted.end());
  const double threshold = sorted[sorted.size() - tail - 1];
  std::vector<double> excesses; // their logarithms: no weight is too small beside the largest
  for (std::size_t i = sorted.size() - tail; i < sorted.size(); ++i)
    if (const double l = sorted[i]; l > threshold)
      excesses.push_back((l - s.log_largest) + std::log(-std::expm1(threshold - l)));
  if (excesses.empty() && threshold > -inf) return -inf;
  if (excesses.size() < 5) return inf;
  const double log_quartile = excesses[detail::lower_quartile(excesses.size())];
  for (double& x : excesses) x -= log_quartile;
  const auto m = static_cast<double>(excesses.size());
  return (m * detail::pareto_shape_of_log_ratios(excesses) + 10 * 0.5) / (m + 10);
}

} // namespace bijou::inline BIJOU_ISA

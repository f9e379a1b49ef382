#pragma once
/// \file
/// Objectives of adaptive integration: flows as proposals for integrals of f by importance
/// sampling.
///
///     I = integral of f = E_q[f / q]
///
/// Both objectives look at samples y_i of a frozen proposal q0 (the flow as it was when they were
/// drawn, or any other density) with f_i = f(y_i); the gradient goes through log q(y_i) at fixed
/// samples, so that f needs none. f may change its sign: |f| / integral |f| is then what q is drawn
/// towards, the proposal of the least variance.
///
/// Source: Müller, McWilliams, Rousselle, Gross & Novák, "Neural importance sampling", ACM
/// Transactions on Graphics 38 (2019), 1808.03856.

#include <bijou/kernels/function_ref.hpp>
#include <bijou/training/objectives.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>

namespace bijou::inline BIJOU_ISA {

/// Values of an integrand at samples of a proposal: memory that outlives the objectives.
template <class T> struct integrand_batch {
  batch_view<const T> samples;     ///< (n, D)
  std::span<const T> values;       ///< f of each
  std::span<const T> log_proposal; ///< log q0 of each, nats
};

namespace detail {

/// A batch whose weights are known as logarithms, in double: no f is too large or small for T.
template <class T> struct log_weighted_batch {
  batch_view<const T> samples;
  std::span<const double> log_weights; // log(|f_i| / q0_i), -inf where f is 0
  std::span<const T> log_proposal;
};

/// log(|f_i| / q0_i) of a sample: -inf where f is 0.
template <class T> double log_integrand_weight(const integrand_batch<T>& b, std::size_t i) {
  return std::log(std::abs(static_cast<double>(b.values[i]))) -
         static_cast<double>(b.log_proposal[i]);
}
template <class T> double log_integrand_weight(const log_weighted_batch<T>& b, std::size_t i) {
  return b.log_weights[i];
}

/// log of the mean of the weights; -inf if all are 0.
template <class Batch> double log_mean_weight(const Batch& b) {
  const std::size_t n = b.samples.count;
  double largest = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, log_integrand_weight(b, i));
  if (std::isinf(largest)) return largest;
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += std::exp(log_integrand_weight(b, i) - largest);
  return largest + std::log(sum / static_cast<double>(n));
}

/// log of the mean of |f_i| / q0_i, an estimate of integral |f|; throws unless there is one.
template <class T> double checked_log_mean_weight(const char* who, const integrand_batch<T>& b) {
  const std::size_t n = b.samples.count;
  if (b.values.size() != n || b.log_proposal.size() != n)
    throw std::invalid_argument(std::string(who) + ": expected values and log_proposal of " +
                                std::to_string(n) + " samples, got " +
                                std::to_string(b.values.size()) + " and " +
                                std::to_string(b.log_proposal.size()));
  for (std::size_t i = 0; i < n; ++i) {
    if (!std::isfinite(b.values[i]) || !std::isfinite(b.log_proposal[i]))
      throw std::invalid_argument(
          std::string(who) + ": expected finite values and log_proposal, got " +
          std::to_string(b.values[i]) + " and " + std::to_string(b.log_proposal[i]) +
          " of sample " + std::to_string(i));
  }
  const double log_mean = log_mean_weight(b);
  if (std::isinf(log_mean))
    throw std::invalid_argument(std::string(who) + ": expected an integrand that is not 0 for all "
                                                   "samples");
  return log_mean;
}

/// A tile's worth of samples at a time: weigh(i, log q(y_i)) is the weight of sample i in the
/// gradient of scale * sum_i weight_i log q(y_i), which is added. A sample where q is 0 adds
/// nothing.
template <class Flow, class T = typename Flow::value_type>
void accumulate_weighted(const Flow& q, const batch_view<const T>& samples, double scale,
                         std::span<T> gradient, workspace<T>& ws,
                         function_ref<double(std::size_t, double)> weigh) {
  if constexpr (!Flow::conditional) { // else the objectives have said that it does not fit
    constexpr auto lanes = static_cast<std::size_t>(Flow::program_type::lanes);
    std::array<T, lanes> log_q, narrow;
    std::array<double, lanes> weights;
    gradient_total<T>().add(samples.count, gradient, [&](share s, std::span<T> sum) {
      for (std::size_t first = s.begin; first < s.end; first += lanes) {
        const std::size_t n = std::min(lanes, s.end - first);
        const batch_view<const T> part = part_of(samples, {first, first + n});
        q.log_prob(part, log_q.data(), ws);
        double largest = 0;
        for (std::size_t i = 0; i < n; ++i) {
          const double w = weigh(first + i, static_cast<double>(log_q[i]));
          weights[i] = log_q[i] == -std::numeric_limits<T>::infinity() ? 0 : w;
          if (!(std::abs(weights[i]) <= largest)) largest = std::abs(weights[i]); // NaN too
        }
        if (largest == 0) continue;
        // In units of the largest: a weight may be too large or small for T, its ratios are not.
        for (std::size_t i = 0; i < n; ++i) narrow[i] = static_cast<T>(weights[i] / largest);
        accumulate_log_prob_gradient(
            q, weighted_batch<T>{part, {}, std::span<const T>(narrow).first(n)}, scale * largest,
            sum, ws);
      }
    });
  }
}

/// scale * sum_i w_i (-log q(y_i)), w_i in units of exp(log_mean); adds the gradient.
template <class Flow, class Batch, class T = typename Flow::value_type>
double accumulate_cross_entropy(const Flow& q, const Batch& b, double log_mean, double scale,
                                std::span<T> gradient, workspace<T>& ws) {
  double sum = 0;
  accumulate_weighted(q, b.samples, scale, gradient, ws, [&](std::size_t i, double log_q) {
    const double w = std::exp(log_integrand_weight(b, i) - log_mean);
    if (w != 0) sum -= w * log_q;
    return -w;
  });
  return scale * sum;
}

/// scale * sum_i w_i^2 q0(y_i) / q(y_i), w_i likewise; adds the gradient.
template <class Flow, class Batch, class T = typename Flow::value_type>
double accumulate_second_moment(const Flow& q, const Batch& b, double log_mean, double scale,
                                std::span<T> gradient, workspace<T>& ws) {
  double sum = 0;
  accumulate_weighted(q, b.samples, scale, gradient, ws, [&](std::size_t i, double log_q) {
    const double log_weight = log_integrand_weight(b, i) - log_mean;
    if (std::isinf(log_weight)) return 0.0; // f is 0, whatever q is
    const double w = std::exp(2 * log_weight + static_cast<double>(b.log_proposal[i]) - log_q);
    sum += w;
    return -w;
  });
  return scale * sum;
}

} // namespace detail

/// Forward KL divergence from p = |f| / integral |f| to q, but for the entropy of p, which q does
/// not change: the cross entropy
///
///     -sum_i w_i log q(y_i) / sum_i w_i,   w_i = |f_i| / q0(y_i),   nats.
///
/// Robust far from the optimum; +inf where a sample with f != 0 is outside q's support. A sample
/// with f = 0 is absent, whatever q is there.
/// Cost: about four and a half times log_prob.
template <class T> struct forward_kl {
  integrand_batch<T> batch;

  /// The value; adds the gradient. Allocates nothing for up to 8,192 samples (see
  /// negative_log_likelihood). \throws std::invalid_argument if lengths do not fit, values are not
  /// finite, or f is 0 everywhere
  template <class Flow>
  double accumulate(const Flow& q, std::span<T> gradient, workspace<T>& ws) const {
    static_assert(!Flow::conditional,
                  "bijou: forward_kl is for flows without given<C>: its samples have no contexts");
    return detail::accumulate_cross_entropy(
        q, batch, detail::checked_log_mean_weight("forward_kl", batch),
        1 / static_cast<double>(batch.samples.count), gradient, ws);
  }
};
template <class T> forward_kl(integrand_batch<T>) -> forward_kl<T>;

/// Variance of |f| / q under q, in units of its squared mean:
///
///     mean_i(f_i^2 / (q0(y_i) q(y_i))) / (mean_i |f_i| / q0(y_i))^2 - 1.
///
/// The estimator of I with N samples of q has the variance (V + 1) (integral |f|)^2 / N - I^2 / N:
/// where f >= 0, V is the relative variance of a sample. 0 at q = |f| / integral |f|, up to the
/// noise of the two means; their noise can make it negative. Its gradient has heavy tails while q
/// is far from there: begin with forward_kl. +inf where a sample with f != 0 is outside q's
/// support. Cost: about four and a half times log_prob.
template <class T> struct variance_loss {
  integrand_batch<T> batch;

  /// As of forward_kl.
  template <class Flow>
  double accumulate(const Flow& q, std::span<T> gradient, workspace<T>& ws) const {
    static_assert(
        !Flow::conditional,
        "bijou: variance_loss is for flows without given<C>: its samples have no contexts");
    return detail::accumulate_second_moment(
               q, batch, detail::checked_log_mean_weight("variance_loss", batch),
               1 / static_cast<double>(batch.samples.count), gradient, ws) -
           1;
  }
};
template <class T> variance_loss(integrand_batch<T>) -> variance_loss<T>;

} // namespace bijou::inline BIJOU_ISA

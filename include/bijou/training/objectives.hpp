#pragma once
/// \file
/// What training makes small, and its value with the gradient by all parameters.

#include <bijou/flow/flow.hpp>
#include <bijou/training/gradient_total.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

/// A batch of samples to be scored, with what may come beside it.
template <class T> struct weighted_batch {
  batch_view<const T> samples;   ///< (n, D)
  batch_view<const T> context{}; ///< (n, C): one row for each sample, for flows with given<C>
  /// One for each sample; empty: all 1. A sample of weight 0 is absent, whatever it holds.
  std::span<const T> weights{};
};

namespace detail {
/// Samples [s.begin, s.end) of a batch.
template <class T> batch_view<const T> part_of(batch_view<const T> b, share s) {
  b.data += static_cast<std::ptrdiff_t>(s.begin) * b.sample_stride;
  b.count = s.end - s.begin;
  return b;
}
template <class T> weighted_batch<T> part_of(const weighted_batch<T>& b, share s) {
  weighted_batch<T> part{part_of(b.samples, s)};
  if (b.context.data != nullptr) part.context = part_of(b.context, s);
  if (!b.weights.empty()) part.weights = b.weights.subspan(s.begin, s.end - s.begin);
  return part;
}

/// The power of two next above the largest size of some numbers, as its exponent: in that unit they
/// can be squared and summed, whatever they were, and lose no bit. 0 if all are 0.
template <class T> int exponent_of_largest(std::span<const T> values) {
  double largest = 0;
  for (const T v : values) largest = std::max(largest, std::abs(static_cast<double>(v)));
  int exponent = 0;
  std::frexp(largest, &exponent);
  return exponent;
}

/// 1 / the sum of all weights. Throws unless the sum is positive.
template <class T> double inverse_total_weight(const char* who, const weighted_batch<T>& batch) {
  if (batch.weights.empty()) return 1 / static_cast<double>(batch.samples.count);
  const int exponent = exponent_of_largest(batch.weights);
  double sum = 0;
  for (const T w : batch.weights) sum += std::ldexp(static_cast<double>(w), -exponent);
  if (!(sum > 0 && std::isfinite(sum)))
    throw std::invalid_argument(std::string(who) + ": expected weights with a positive sum, got " +
                                std::to_string(std::ldexp(sum, exponent)));
  return std::ldexp(1 / sum, -exponent);
}

template <class T> void check_batch(const weighted_batch<T>& b, bool conditional, const char* who) {
  if (!b.weights.empty() && b.weights.size() != b.samples.count)
    throw std::invalid_argument(std::string(who) + ": expected one weight for each of " +
                                std::to_string(b.samples.count) + " samples, got " +
                                std::to_string(b.weights.size()));
  if (conditional) check_context_count(who, b.context.count, b.samples.count);
}
/// Where derivatives for each of n samples go, if they are wanted.
template <class T> void check_rows(const char* what, const batch_view<T>& to, std::size_t n) {
  if (to.data != nullptr && to.count != n)
    throw std::invalid_argument(std::string(what) + ": expected a row for each of " +
                                std::to_string(n) + " samples, got " + std::to_string(to.count));
}
template <class Flow> void check_gradient(const Flow& q, std::size_t size) {
  if (size != q.parameters().size())
    throw std::invalid_argument("gradient: expected " + std::to_string(q.parameters().size()) +
                                " values, got " + std::to_string(size));
}
} // namespace detail

/// Adds scale * the gradient of sum_i w_i log p(y_i) by all parameters to `gradient`, a vector laid
/// out as q.parameters(). Entries that no connection owns are 0 afterwards. Allocates nothing. The
/// value is summed in double, the gradient in T: in float cut batches of 1e5 samples or more, as
/// negative_log_likelihood does, or lose digits of it.
/// Cost: about three and a half times log_prob.
/// \param ws of q.make_gradient_workspace()
/// \param g_samples where the derivatives by the samples go, (n, D); may hold a null pointer
/// \param log_prob where log p of each sample goes, nats; may be null
/// \param g_context where the derivatives by the contexts go, as they were given, (n, C); may hold
/// a null pointer \return scale * sum_i w_i log p(y_i), nats \throws std::invalid_argument if
/// lengths do not fit
template <class Flow, class T = typename Flow::value_type>
double accumulate_log_prob_gradient(const Flow& q, const weighted_batch<T>& batch, double scale,
                                    std::span<T> gradient, workspace<T>& ws,
                                    batch_view<T> g_samples = {},
                                    std::type_identity_t<T>* log_prob = nullptr,
                                    batch_view<T> g_context = {}) {
  detail::check_batch(batch, Flow::conditional, "log_prob");
  detail::check_gradient(q, gradient.size());
  detail::check_rows("g_samples", g_samples, batch.samples.count);
  detail::check_rows("g_context", g_context, batch.samples.count);
  if constexpr (!detail::check_inverse<Flow>())
    return 0;
  else
    return q.add_log_prob_gradient(
        batch.samples, batch.weights.empty() ? nullptr : batch.weights.data(), scale, log_prob,
        gradient.data(), g_samples, g_context, ws, {batch.context});
}

/// Adds the gradient of sum_i f(y_i, log q_i) by all parameters to `gradient`, where y_i = the flow
/// of noise_i (reparametrised). `function(tile)` is called with each sampled_tile and writes the
/// derivatives of f. Allocates nothing. Cost: about three and a half times sampling.
/// \param noise (n, D)
/// \param ws of q.make_gradient_workspace()
/// \param context one row for each sample, for flows with given<C>
/// \param g_noise where the derivatives by the noise go, (n, D); may hold a null pointer
/// \param g_context where the derivatives by the contexts go, (n, C); may hold a null pointer
/// \throws std::invalid_argument if lengths do not fit
template <class Flow, class Function, class T = typename Flow::value_type>
void accumulate_sample_gradient(const Flow& q, batch_view<const T> noise, Function&& function,
                                std::span<T> gradient, workspace<T>& ws, batch_view<T> g_noise = {},
                                batch_view<const T> context = {}, batch_view<T> g_context = {}) {
  detail::check_gradient(q, gradient.size());
  if (Flow::conditional) detail::check_context_count("sample", context.count, noise.count);
  detail::check_rows("g_noise", g_noise, noise.count);
  detail::check_rows("g_context", g_context, noise.count);
  const detail::sample_source<T> given = noise;
  q.add_sample_gradient(given, function, gradient.data(), g_noise, g_context, ws, {context});
}
/// The same with noise number stream.position() ...; the stream is moved on by n. PathOnly: without
/// the derivative of log q by the parameters at fixed samples, at twice the cost (see path_only in
/// elbo.hpp).
template <bool PathOnly = false, class Flow, class Function, class T = typename Flow::value_type>
void accumulate_sample_gradient(const Flow& q, philox& stream, std::size_t n, Function&& function,
                                std::span<T> gradient, workspace<T>& ws,
                                batch_view<const T> context = {}, batch_view<T> g_context = {}) {
  detail::check_gradient(q, gradient.size());
  if (Flow::conditional) detail::check_context_count("sample", context.count, n);
  detail::check_rows("g_context", g_context, n);
  q.template add_sample_gradient<PathOnly>({stream, n}, function, gradient.data(), {}, g_context,
                                           ws, {context});
  stream.advance(n);
}

/// The mean of -log p over a batch, weighted: -sum_i w_i log p(y_i) / sum_i w_i, nats per sample.
template <class T> struct negative_log_likelihood {
  weighted_batch<T> batch; ///< memory that lives as long as the objective

  /// The value; adds the gradient. Allocates nothing for up to 8,192 samples; in float the gradient
  /// of more is summed in double, in a vector of its own. \throws std::invalid_argument if lengths
  /// do not fit, or the sum of the weights is not positive
  template <class Flow>
  double accumulate(const Flow& q, std::span<T> gradient, workspace<T>& ws) const {
    detail::check_batch(batch, Flow::conditional, "negative_log_likelihood");
    detail::check_gradient(q, gradient.size());
    const double scale = -detail::inverse_total_weight("negative_log_likelihood", batch);
    double value = 0;
    detail::gradient_total<T>().add(
        batch.samples.count, gradient, [&](detail::share s, std::span<T> part) {
          value += accumulate_log_prob_gradient(q, detail::part_of(batch, s), scale, part, ws);
        });
    return value;
  }
};
template <class T> negative_log_likelihood(weighted_batch<T>) -> negative_log_likelihood<T>;

} // namespace bijou::inline BIJOU_ISA

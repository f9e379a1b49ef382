#pragma once
/// \file
/// A flow as functions of vectors: `subject` has what the comparisons with Pyro want, whatever the
/// flow's type.

#include <bijou/bijou.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace bijou::testing {

template <class T>
std::vector<T> slice(const std::vector<T>& v, std::size_t first, std::size_t count) {
  const auto begin = v.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

/// A batch mapped one way.
template <class T> struct batch_values {
  std::vector<T> values;  ///< (n, D)
  std::vector<T> log_det; ///< of the way taken
};

/// Gradient of a weighted sum over a batch.
template <class T> struct batch_gradient {
  std::vector<T> by_points;     ///< (n, D)
  std::vector<T> by_parameters; ///< as parameters()
  // The same with the terms of the sums by their magnitudes:
  std::vector<double> point_terms;
  std::vector<T> terms;
};

/// A range of samples, where their gradient goes, and where their log p goes (may be null).
template <class T> struct gradient_request {
  std::size_t first, count;
  const T* points; ///< of the first of them: noise or data
  T* by_points;
  std::span<T> by_parameters;
  T* log_prob;
};

/// What the checks want of a flow, whatever its type.
template <class T> struct subject {
  std::size_t dimension, parameters;
  std::function<batch_values<T>(const std::vector<T>&)> forward, inverse; ///< inverse if it has one
  /// Of scale * sum log q(data).
  std::function<void(const gradient_request<T>&, T scale)> score_gradient;
  /// Of sum(y v) + by_log_q * sum log q(y) over samples made of given noise; v of the first one.
  std::function<void(const gradient_request<T>&, const T* v, T by_log_q)> sample_gradient;
  /// A vector like parameters() by name.
  std::function<tensor_set<T>(const std::vector<T>&)> by_name;

  /// Calls run(request, part): with all samples and part = parts, which means the whole sum; and
  /// for the terms with each sample by itself and each part of what is summed over it.
  template <class Run>
  batch_gradient<T> gradient(const std::vector<T>& points, std::size_t parts, const Run& run,
                             T* log_prob = nullptr) const {
    const std::size_t n = points.size() / dimension;
    batch_gradient<T> result{std::vector<T>(points.size()), std::vector<T>(parameters),
                             std::vector<double>(points.size()), std::vector<T>(parameters)};
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t part = 0; part < parts; ++part) {
        std::vector<T> share(parameters), by_point(dimension);
        run({i, 1, points.data() + i * dimension, by_point.data(), share, nullptr}, part);
        for (std::size_t j = 0; j < parameters; ++j) result.terms[j] += std::abs(share[j]);
        for (std::size_t d = 0; d < dimension; ++d)
          result.point_terms[i * dimension + d] += std::abs(static_cast<double>(by_point[d]));
      }
    run({0, n, points.data(), result.by_points.data(), result.by_parameters, log_prob}, parts);
    return result;
  }

  /// Of sum(y v) + by_log_q * sum log q(y), v (n, D).
  batch_gradient<T> gradient_of_samples(const std::vector<T>& noise, const std::vector<T>& v,
                                        T by_log_q, T* log_q = nullptr) const {
    return gradient(
        noise, dimension + 1,
        [&](const gradient_request<T>& r, std::size_t part) {
          const bool whole = part > dimension;
          std::vector<T> chosen = slice(v, r.first * dimension, r.count * dimension);
          for (std::size_t k = 0; k < chosen.size(); ++k)
            if (!whole && k % dimension != part) chosen[k] = T(0);
          sample_gradient(r, chosen.data(), whole || part == dimension ? by_log_q : T(0));
        },
        log_q);
  }
  /// Of scale * sum log q(data).
  batch_gradient<T> gradient_of_scores(const std::vector<T>& data, T scale,
                                       T* log_q = nullptr) const {
    return gradient(
        data, 1, [&](const gradient_request<T>& r, std::size_t) { score_gradient(r, scale); },
        log_q);
  }
};

/// The functions of a flow; `context` (n, C) belongs to the samples of every call.
template <class Flow, class T = typename Flow::value_type>
subject<T> subject_of(Flow made, const std::vector<T>& context = {}) {
  constexpr int D = Flow::size, C = Flow::context_size;
  const auto q = std::make_shared<const Flow>(std::move(made));
  const auto ws = std::make_shared<workspace<T>>(q->make_gradient_workspace());
  const auto context_of = [context](std::size_t first, std::size_t n) {
    return batch_view<const T>(rows_of(context.data() + first * C, n, C));
  };
  const auto map = [=](const std::vector<T>& from, auto&& way) {
    const std::size_t n = from.size() / static_cast<std::size_t>(D);
    batch_values<T> to{std::vector<T>(from.size()), std::vector<T>(n)};
    const auto x = batch_view<const T>(rows_of(from.data(), n, D));
    const auto y = rows_of(to.values.data(), n, D);
    if constexpr (C > 0)
      way(x, context_of(0, n), y, to.log_det.data(), *ws);
    else
      way(x, y, to.log_det.data(), *ws);
    return to;
  };
  subject<T> s;
  s.dimension = static_cast<std::size_t>(D);
  s.parameters = q->parameters().size();
  s.forward = [=](const std::vector<T>& x) {
    return map(x, [&](auto... rows_and_more) { q->forward(rows_and_more...); });
  };
  if constexpr (Flow::invertible)
    s.inverse = [=](const std::vector<T>& y) {
      return map(y, [&](auto... a) { q->inverse(a...); });
    };
  if constexpr (Flow::invertible)
    s.score_gradient = [=](const gradient_request<T>& r, T scale) {
      const weighted_batch<T> batch{
          rows_of(r.points, r.count, D), context_of(r.first, r.count), {}};
      accumulate_log_prob_gradient(*q, batch, scale, r.by_parameters, *ws,
                                   rows_of(r.by_points, r.count, D), r.log_prob);
    };
  s.sample_gradient = [=](const gradient_request<T>& r, const T* v, T by_log_q) {
    const auto function = [&](const sampled_tile<T>& tile) {
      for (int i = 0; i < tile.count; ++i) {
        const std::size_t number = tile.first + static_cast<std::size_t>(i);
        for (int d = 0; d < D; ++d) tile.cotangent(d)[i] = v[number * D + static_cast<unsigned>(d)];
        tile.log_q_cotangent[i] = by_log_q;
        if (r.log_prob) r.log_prob[number] = tile.log_q[i];
      }
    };
    accumulate_sample_gradient(*q, rows_of(r.points, r.count, D), function, r.by_parameters, *ws,
                               rows_of(r.by_points, r.count, D), context_of(r.first, r.count));
  };
  s.by_name = [=](const std::vector<T>& flat) {
    Flow holder = *q;
    holder.set_parameters(flat);
    return named_parameters(holder);
  };
  return s;
}

} // namespace bijou::testing

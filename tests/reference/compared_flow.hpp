#pragma once
/// \file
/// A flow as the comparisons with Pyro want it: `compared_flow`, whatever the flow's type.

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "../flow/subject.hpp"

namespace bijou::testing {

template <class T>
std::vector<T> slice(const std::vector<T>& v, std::size_t first, std::size_t count) {
  const auto begin = v.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

/// Gradient of a weighted sum over a batch.
template <class T> struct batch_gradient {
  std::vector<T> by_points;     ///< (n, D)
  std::vector<T> by_parameters; ///< as parameters()
  // The same with the terms of the sums by their magnitudes:
  std::vector<double> point_terms;
  std::vector<T> terms;

  batch_gradient() = default;
  batch_gradient(std::size_t points, std::size_t parameters)
      : by_points(points), by_parameters(parameters), point_terms(points), terms(parameters) {}
};

/// A flow whose context (n, C), if it reads one, belongs to the samples of every call.
template <class T> class compared_flow {
 public:
  using values = std::vector<T>;

  std::size_t dimension, context_size, parameters;
  /// A vector like parameters() by name.
  std::function<tensor_set<T>(const values&)> by_name;

  template <class Flow>
  explicit compared_flow(Flow q, values context = {})
      : dimension(static_cast<std::size_t>(Flow::size)),
        context_size(static_cast<std::size_t>(Flow::context_size)),
        parameters(q.parameters().size()), context_(std::move(context)) {
    const auto calls = std::make_shared<flow_behind_calls<Flow, wants::gradients>>(std::move(q));
    by_name = [calls](const values& flat) {
      Flow holder = calls->flow;
      holder.set_parameters(flat);
      return named_parameters(holder);
    };
    calls_ = calls;
  }

  mapped_batch<T> forward(const values& x) const;
  mapped_batch<T> inverse(const values& y) const;
  /// Of sum(y v) + by_log_q * sum log q(y) over samples y made of noise, v (n, D). log_q may be
  /// null.
  batch_gradient<T> gradient_of_samples(const values& noise, const values& v, T by_log_q,
                                        T* log_q = nullptr) const;
  /// Of scale * sum log q(data). log_q may be null.
  batch_gradient<T> gradient_of_scores(const values& data, T scale, T* log_q = nullptr) const;

 private:
  template <class Run>
  batch_gradient<T> gradient(std::size_t n, std::size_t parts, const Run& run, T* log_q) const;
  gradients<T> no_gradients(std::size_t n) const;
  batch_view<const T> rows(const values& v, std::size_t first, std::size_t n) const;
  batch_view<const T> contexts(std::size_t first, std::size_t n) const;
  batch_view<T> to(values& v) const;

  values context_;
  std::shared_ptr<flow_calls_of<T>> calls_;
};

} // namespace bijou::testing

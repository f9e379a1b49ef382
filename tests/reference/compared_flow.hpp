#pragma once
/// \file
/// A flow as the comparisons with Pyro want it: `compared_flow`, whatever the flow's type.

#include <cstddef>
#include <functional>
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

  std::size_t dimension, parameters;
  /// A vector like parameters() by name.
  std::function<tensor_set<T>(const values&)> by_name;

  template <class Flow>
  explicit compared_flow(const Flow& q, values context = {})
      : dimension(static_cast<std::size_t>(Flow::size)), parameters(q.parameters().size()),
        by_name([q](const values& flat) {
          Flow holder = q;
          holder.set_parameters(flat);
          return named_parameters(holder);
        }),
        flow_(subject_of<wants::gradients>(q)), context_(std::move(context)) {}

  mapped_batch<T> forward(const values& x) const { return flow_.forward(x, contexts(x)); }
  mapped_batch<T> inverse(const values& y) const { return flow_.inverse(y, contexts(y)); }
  /// Of sum(y v) + by_log_q * sum log q(y) over samples y made of noise, v (n, D). log_q may be
  /// null.
  batch_gradient<T> gradient_of_samples(const values& noise, const values& v, T by_log_q,
                                        T* log_q = nullptr) const;
  /// Of scale * sum log q(data). log_q may be null.
  batch_gradient<T> gradient_of_scores(const values& data, T scale, T* log_q = nullptr) const;

 private:
  template <class Run>
  batch_gradient<T> gradient(std::size_t n, std::size_t parts, const Run& run, T* log_q) const;
  /// The contexts of as many samples as these are, from number `first`.
  values contexts(const values& samples, std::size_t first = 0) const {
    const std::size_t C = flow_.context_size;
    return slice(context_, first * C, samples.size() / dimension * C);
  }

  subject<T> flow_;
  values context_;
};

} // namespace bijou::testing

#pragma once
/// \file
/// `value_and_grad`: an objective's value and its gradient, without memory to bring.

#include <bijou/flow/calls.hpp>
#include <bijou/interop/xtensor.hpp>
#include <bijou/training/objectives.hpp>

#include <numeric>
#include <span>
#include <tuple>
#include <type_traits>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// A value, nats, and its gradient, laid out as parameters().
template <class T> struct valued_gradient {
  double value;               ///< nats
  aligned_vector<T> gradient; ///< a number for each of parameters()
};

/// The objective at q's parameters, with its gradient. Allocates a workspace and the gradient; in a
/// loop of your own call `objective.accumulate(q, gradient, workspace)` instead.
template <class Flow, class Objective, class T = typename Flow::value_type>
  requires requires(const Objective& o, const Flow& q, std::span<T> g, workspace<T>& ws) {
    o.accumulate(q, g, ws);
  }
valued_gradient<T> value_and_grad(const Flow& q, const Objective& objective) {
  valued_gradient<T> result{0, aligned_vector<T>(q.parameters().size(), T(0))};
  workspace<T> ws = q.make_gradient_workspace();
  result.value = objective.accumulate(q, std::span<T>(result.gradient), ws);
  return result;
}

/// The mean negative log-likelihood of samples (n, D), nats, and its gradient; for conditional
/// flows with a context (n, C).
template <class Flow, detail::xtensor_like Y, detail::xtensor_like... Context>
auto value_and_grad(const Flow& q, const Y& samples, const Context&... context) {
  using T = typename Flow::value_type;
  constexpr bool context_fits = sizeof...(Context) == (Flow::conditional ? 1 : 0);
  static_assert(context_fits,
                "bijou: value_and_grad(q, samples) takes a context exactly if q has given<C>");
  detail::check_shape("value_and_grad", "samples", samples, Flow::size);
  (detail::check_shape("value_and_grad", "a context", context, Flow::context_size), ...);
  const auto whole = [](const auto& x, int size) { // evaluates lazy expressions once
    const std::size_t n = detail::count_of(x);
    aligned_vector<T> copy(n * static_cast<std::size_t>(size));
    const detail::expression_source<T, std::remove_cvref_t<decltype(x)>> source{x};
    std::vector<int> position(static_cast<std::size_t>(size));
    std::iota(position.begin(), position.end(), 0);
    for (std::size_t i = 0; i < n; ++i)
      source.load(i, size, copy.data() + i * static_cast<std::size_t>(size), position.data());
    return copy;
  };
  const auto rows = [](const auto& copy, int size) {
    return rows_of(copy.data(), copy.size() / static_cast<std::size_t>(size), size);
  };
  const auto y = whole(samples, Flow::size);
  scored_batch<T> batch{rows(y, Flow::size)};
  const std::tuple held{whole(context, Flow::context_size)...};
  if constexpr (Flow::conditional && context_fits)
    batch.context = rows(std::get<0>(held), Flow::context_size);
  if constexpr (detail::check_inverse<Flow>())
    return value_and_grad(q, negative_log_likelihood<T>{batch});
  else
    return valued_gradient<T>{};
}

} // namespace bijou::inline BIJOU_ISA

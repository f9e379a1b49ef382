#pragma once
/// \file
/// `value_and_grad`: an objective's value and its gradient, without memory to bring.

#include <bijou/flow/calls.hpp>
#include <bijou/interop/xtensor.hpp>
#include <bijou/training/batches.hpp>
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

namespace detail {
/// What can be read as samples or contexts: see flow/calls.hpp.
template <class Y, class T>
concept read_argument = as_read<T, Y>(0, mistake::none) == mistake::none;
} // namespace detail

/// The mean negative log-likelihood of samples (n, D), nats, and its gradient; for conditional
/// flows with a context (n, C), or one for all. Samples and contexts may be what log_prob takes.
template <class Flow, class Y, class... Context>
  requires detail::read_argument<const Y&, typename Flow::value_type>
auto value_and_grad(const Flow& q, const Y& samples, const Context&... context) {
  using T = typename Flow::value_type;
  constexpr bool context_fits = sizeof...(Context) == (Flow::conditional ? 1 : 0) &&
                                (true && ... && detail::read_argument<const Context&, T>);
  static_assert(context_fits,
                "bijou: value_and_grad(q, samples) takes a context exactly if q has given<C>");
  if constexpr (!context_fits || !detail::check_inverse<Flow>()) {
    return valued_gradient<T>{};
  } else {
    detail::check_shape("value_and_grad", "samples", samples, Flow::size);
    (detail::check_shape("value_and_grad", "a context", context, Flow::context_size), ...);
    const detail::batch_in_memory<T> y(detail::source_of<T>(samples), Flow::size);
    weighted_batch<T> batch{y.view()};
    if constexpr (Flow::conditional) {
      const detail::batch_in_memory<T> c(detail::source_of<T>(context)..., Flow::context_size);
      batch.context = c.view();
      if (batch.context.count == 1) { // one for all
        batch.context.count = batch.samples.count;
        batch.context.sample_stride = 0;
      }
      detail::check_context_count("value_and_grad", batch.context.count, batch.samples.count);
      return value_and_grad(q, negative_log_likelihood<T>{batch});
    } else {
      return value_and_grad(q, negative_log_likelihood<T>{batch});
    }
  }
}

} // namespace bijou::inline BIJOU_ISA

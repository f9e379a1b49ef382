#pragma once
/// \file
/// `fit(flow, samples, options)`: maximum likelihood with minibatches, validation, early stopping.
///
///     fit(q, samples, {.epochs = 200, .optimizer = {.learning_rate = 3e-3}});
///
/// The loss is the mean negative log-likelihood in nats per sample, weighted where samples have
/// weights. The same seed and thread count give the same bits.

#include <bijou/interop/xtensor.hpp>
#include <bijou/training/fit_loop.hpp>

#include <array>
#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// Trains q on samples in memory; those of `validation` decide which parameters are kept. Without
/// any the last parameters are kept and nothing stops early. Weights are part of the batches here.
///
/// Memory: five vectors of the parameters' length, one more and a workspace for each further
/// thread, one minibatch. An epoch after the first allocates nothing. \throws std::invalid_argument
/// if sizes, options or weights do not fit, or values are not finite \throws training_error if a
/// loss or gradient becomes NaN or infinite; q keeps the last good parameters, as it does when the
/// callback throws
template <class Flow, class T = typename Flow::value_type>
fit_result fit(Flow& q, const scored_batch<T>& training, const scored_batch<T>& validation,
               const fit_options& options) {
  if (!options.weights.empty())
    throw std::invalid_argument("fit: expected the weights in scored_batch, not in the options");
  detail::check_training_batch<Flow>(training);
  detail::check_training_batch<Flow>(validation);
  detail::row_split rows(training.samples.count, 0, philox{});
  if constexpr (detail::check_inverse<Flow>())
    return detail::fit_loop<Flow>(q, training, std::move(rows.training), validation, options).run();
  else
    return {};
}

/// The same; a share of the samples (`options.validation_fraction`, drawn by `options.seed`) is set
/// aside for validation.
template <class Flow, class T = typename Flow::value_type>
fit_result fit(Flow& q, const scored_batch<T>& samples, const fit_options& options) {
  if (!options.weights.empty())
    throw std::invalid_argument("fit: expected the weights in scored_batch, not in the options");
  detail::check_training_batch<Flow>(samples);
  detail::row_split rows(samples.samples.count, options.validation_fraction, philox(options.seed));
  const std::size_t aside = rows.validation.size();
  detail::gathered_batch<Flow> validation(samples, aside);
  validation.gather(rows.validation, 0, aside);
  if constexpr (detail::check_inverse<Flow>())
    return detail::fit_loop<Flow>(q, samples, std::move(rows.training), validation.view(0, aside),
                                  options)
        .run();
  else
    return {};
}

namespace detail {

/// A batch that lies in memory as T: the expression's own memory, or a copy of its values.
template <class T, class X> class batch_in_memory {
  static constexpr bool there = requires(const X& x) { source_of<T>(x).batch; };

 public:
  batch_in_memory(const X& x, int size) : x_(x) {
    if constexpr (!there) {
      copy_ = xt::xtensor<T, 2>(
          std::array<std::size_t, 2>{count_of(x), static_cast<std::size_t>(size)});
      if constexpr (is_one_event<X>)
        for (std::size_t d = 0; d < static_cast<std::size_t>(size); ++d)
          copy_(0, d) = static_cast<T>(x(d));
      else
        copy_ = x;
    }
  }
  batch_view<const T> view() const {
    if constexpr (there)
      return source_of<T>(x_).batch;
    else
      return rows_of(copy_.data(), copy_.shape()[0], static_cast<int>(copy_.shape()[1]));
  }

 private:
  const X& x_;
  xt::xtensor<T, 2> copy_;
};

template <class Flow, class Y, class... Context>
fit_result fit_expressions(Flow& q, const fit_options& options, const Y& samples,
                           const Context&... context) {
  using T = typename Flow::value_type;
  static_assert(sizeof...(Context) == (Flow::conditional ? 1 : 0),
                "bijou: fit takes a context, as in fit(q, samples, context, options), exactly if q "
                "has given<C>");
  check_shape("fit", "samples", samples, Flow::size);
  (check_shape("fit", "a context", context, Flow::context_size), ...);
  const batch_in_memory<T, Y> y(samples, Flow::size);
  const std::vector<T> weights(options.weights.begin(), options.weights.end());
  fit_options rest = options;
  rest.weights = {};
  constexpr bool has_inverse = Flow::invertible;
  static_assert(has_inverse,
                "bijou: fit scores samples by the inverse, and a word of this flow has "
                "no closed inverse (planar, radial, sylvester): write numerically_inverted(word)");
  if constexpr (!has_inverse) {
    return {};
  } else if constexpr (Flow::conditional) {
    const batch_in_memory<T, Context...> c(context..., Flow::context_size);
    return fit(q, scored_batch<T>{y.view(), c.view(), weights}, rest);
  } else {
    return fit(q, scored_batch<T>{y.view(), {}, weights}, rest);
  }
}

} // namespace detail

/// Trains q on samples, an expression of shape (n, D).
template <class Flow, detail::xtensor_like Y>
fit_result fit(Flow& q, const Y& samples, const fit_options& options = {}) {
  return detail::fit_expressions(q, options, samples);
}
/// Trains a flow with given<C> on samples (n, D) with their contexts (n, C).
template <class Flow, detail::xtensor_like Y, detail::xtensor_like Context>
fit_result fit(Flow& q, const Y& samples, const Context& context, const fit_options& options = {}) {
  return detail::fit_expressions(q, options, samples, context);
}

} // namespace bijou::inline BIJOU_ISA

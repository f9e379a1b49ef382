#pragma once
/// \file
/// The calls on memory: pointers with strides, and spans of one event. Nothing here allocates.
///
/// They are written once for everything that maps or scores: a bijector, a flow, a flow whose
/// context is fixed. `Self` brings the loops (map, score, draw) and `context()`.

#include <bijou/flow/batch.hpp>
#include <bijou/flow/workspace.hpp>
#include <bijou/random/philox.hpp>

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

namespace bijou::inline BIJOU_ISA {

namespace detail {
inline void check_context_count(const char* who, std::size_t rows, std::size_t samples) {
  if (rows != samples)
    throw std::invalid_argument(std::string(who) + ": expected one row of context for each of " +
                                std::to_string(samples) + " samples, got " + std::to_string(rows));
}

/// Whether noise can be found from given points; if not, the call says so.
template <class Self> constexpr bool check_inverse() {
  constexpr bool has_inverse = Self::invertible;
  static_assert(has_inverse, "bijou: a word of this flow has no closed inverse (planar, radial, "
                             "sylvester): it scores its own samples (sample_and_log_prob); for "
                             "inverse, log_prob or fit of points from elsewhere write "
                             "numerically_inverted(word)");
  return has_inverse;
}
} // namespace detail

/// Calls of a bijector on D variables, samples (n, D) as views. Cost: about one pass over the
/// networks' weights per sample in either direction.
/// \throws std::invalid_argument if the workspace is not of this flow, or there is not a row of
/// context for each sample
template <class Self, class T, int D> class bijector_calls {
 public:
  /// Noise to data: y and log|det dy/dx| of every sample of x; nats. log_det may be null.
  void forward(batch_view<const T> x, batch_view<T> y, T* log_det, workspace<T>& ws) const {
    map<true>(x, y, log_det, ws, self().context());
  }
  /// Data to noise: x and log|det dx/dy| of every sample of y; nats. log_det may be null.
  void inverse(batch_view<const T> y, batch_view<T> x, T* log_det, workspace<T>& ws) const {
    if constexpr (detail::check_inverse<Self>()) map<false>(y, x, log_det, ws, self().context());
  }
  /// The same with a row of context for each sample.
  void forward(batch_view<const T> x, batch_view<const T> context, batch_view<T> y, T* log_det,
               workspace<T>& ws) const {
    detail::check_context_count("forward", context.count, x.count);
    map<true>(x, y, log_det, ws, detail::memory_source<T>{context});
  }
  /// The same with a row of context for each sample.
  void inverse(batch_view<const T> y, batch_view<const T> context, batch_view<T> x, T* log_det,
               workspace<T>& ws) const {
    detail::check_context_count("inverse", context.count, y.count);
    if constexpr (detail::check_inverse<Self>())
      map<false>(y, x, log_det, ws, detail::memory_source<T>{context});
  }

 protected:
  const Self& self() const { return static_cast<const Self&>(*this); }

 private:
  template <bool Forward, class Context>
  void map(batch_view<const T> from, batch_view<T> to, T* log_det, workspace<T>& ws,
           const Context& context) const {
    self().template map<Forward>(detail::memory_source<T>{from}, detail::memory_sink<T>{to},
                                 log_det, ws, context);
  }
};

/// Calls of a distribution on D variables, samples (n, D) as views. Cost: about one pass over the
/// networks' weights per sample, to score as to sample.
/// \throws std::invalid_argument as bijector_calls does
template <class Self, class T, int D> class flow_calls {
 public:
  /// One event, read and written.
  using event_in = std::span<const T, static_cast<std::size_t>(D)>;
  using event_out = std::span<T, static_cast<std::size_t>(D)>;

  /// log p of every sample of y, nats: -inf outside the support, NaN for a sample with a NaN.
  void log_prob(batch_view<const T> y, T* log_prob, workspace<T>& ws) const {
    if constexpr (detail::check_inverse<Self>())
      self().score(detail::memory_source<T>{y}, log_prob, ws, self().context());
  }
  /// The same with a row of context for each sample.
  void log_prob(batch_view<const T> y, batch_view<const T> context, T* log_prob,
                workspace<T>& ws) const {
    detail::check_context_count("log_prob", context.count, y.count);
    if constexpr (detail::check_inverse<Self>())
      self().score(detail::memory_source<T>{y}, log_prob, ws, detail::memory_source<T>{context});
  }
  /// Samples number stream.position() .. + y.count - 1; the stream is moved on by y.count.
  void sample(philox& stream, batch_view<T> y, workspace<T>& ws) const {
    self().draw(stream, y.count, detail::memory_sink<T>{y}, nullptr, ws, self().context());
  }
  /// Samples with their log p in one pass: nothing is inverted.
  void sample_and_log_prob(philox& stream, batch_view<T> y, T* log_prob, workspace<T>& ws) const {
    self().draw(stream, y.count, detail::memory_sink<T>{y}, log_prob, ws, self().context());
  }
  /// The same with a row of context for each sample.
  void sample_and_log_prob(philox& stream, batch_view<const T> context, batch_view<T> y,
                           T* log_prob, workspace<T>& ws) const {
    detail::check_context_count("sample", context.count, y.count);
    self().draw(stream, y.count, detail::memory_sink<T>{y}, log_prob, ws,
                detail::memory_source<T>{context});
  }

  // One event: the same bits as in a batch.

  /// log p of one event, nats.
  T log_prob(event_in y, workspace<T>& ws) const {
    T result;
    log_prob(rows_of(y.data(), 1, D), &result, ws);
    return result;
  }
  /// Draws one event into y.
  void sample(philox& stream, event_out y, workspace<T>& ws) const {
    sample(stream, rows_of(y.data(), 1, D), ws);
  }
  /// Draws one event into y and returns its log p, nats.
  T sample_and_log_prob(philox& stream, event_out y, workspace<T>& ws) const {
    T result;
    sample_and_log_prob(stream, rows_of(y.data(), 1, D), &result, ws);
    return result;
  }

 protected:
  const Self& self() const { return static_cast<const Self&>(*this); }
};

} // namespace bijou::inline BIJOU_ISA

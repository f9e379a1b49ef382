#pragma once
/// \file
/// The calls of bijectors and flows, written once for everything that maps or scores: a bijector, a
/// flow, a flow whose context is fixed, one that threads share.
///
/// One order of arguments: the stream (if it draws), samples, context, outputs, workspace.
///
/// | argument | what it may be |
/// |---|---|
/// | samples | an xtensor (n, D), or (D,) for one event, in any layout, lazy where it is read; a |
/// | | batch_view; one event as std::span<const T, D> or std::array<T, D> |
/// | context | of flows with given<C> only: the same with C; one row, (C,) or a span: for all |
/// | outputs | samples: an xtensor container or view, a batch_view, a std::span<T, D>. Numbers: a |
/// | | T*, a std::span<T>, an xtensor (n,), a T for one event, or nullptr |
/// | workspace | of make_workspace(); without one the call makes its own |
///
/// What is not given as an output is returned: an xtensor; a number and a std::array or xtensor of
/// rank 1 for one event. Calls that are given their outputs allocate nothing; nor does one event in
/// a std::span with a workspace. The bits are the same in every form. docs/calls.md has the table.

#include <bijou/flow/arguments.hpp>
#include <bijou/flow/perform.hpp>

#include <array>
#include <cstdint>
#include <random>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// The calls, and the forms of each.
enum class call : unsigned char {
  forward,
  inverse,
  sample_from,
  value_and_grad, ///< of pulled_back(q, target)
  log_det_jacobian,
  log_prob,
  log_pdf,
  sample,
  sample_and_log_prob
};

inline constexpr std::array<form, 4> map_forms{
    form{role::samples, role::context}, form{role::samples, role::context, role::memory},
    form{role::samples, role::context, role::written, role::memory},
    form{role::samples, role::context, role::written, role::values, role::memory}};
inline constexpr std::array<form, 2> read_forms{form{role::samples, role::context},
                                                form{role::samples, role::context, role::memory}};
inline constexpr std::array<form, 3> log_prob_forms{
    form{role::samples, role::context}, form{role::samples, role::context, role::memory},
    form{role::samples, role::context, role::values, role::memory}};
inline constexpr std::array<form, 3> sample_forms{
    form{role::stream, role::count, role::context},
    form{role::stream, role::count, role::context, role::memory},
    form{role::stream, role::drawn, role::context, role::memory}};
inline constexpr std::array<form, 4> sample_and_log_prob_forms{
    form{role::stream, role::count, role::context},
    form{role::stream, role::count, role::context, role::memory},
    form{role::stream, role::drawn, role::context, role::memory},
    form{role::stream, role::drawn, role::context, role::values, role::memory}};

/// What is wrong with the arguments A of a call on a Self.
template <call Call, class Self, class T, int D, class... A> constexpr mistake find_mistake() {
  if constexpr (Call == call::log_prob)
    return find_mistake_in<Self, T, D, A...>(log_prob_forms);
  else if constexpr (Call == call::log_pdf || Call == call::log_det_jacobian)
    return find_mistake_in<Self, T, D, A...>(read_forms);
  else if constexpr (Call == call::sample)
    return find_mistake_in<Self, T, D, A...>(sample_forms);
  else if constexpr (Call == call::sample_and_log_prob)
    return find_mistake_in<Self, T, D, A...>(sample_and_log_prob_forms);
  else
    return find_mistake_in<Self, T, D, A...>(map_forms);
}

/// True, or a sentence that says what is wrong. (All of them here: one step from the call.)
template <call Call, mistake Found> constexpr bool accept() {
  constexpr bool fits = Found != mistake::form;
  constexpr bool forward_fits = fits || Call != call::forward;
  static_assert(forward_fits,
                "bijou: forward(x) takes an xtensor of shape (n, D) or (D,), a batch_view or a "
                "std::span<const T, D>; with a context forward(x, context); into memory of your "
                "own forward(x, [context,] y, log_det, workspace)");
  constexpr bool inverse_fits = fits || Call != call::inverse;
  static_assert(inverse_fits,
                "bijou: inverse(y) takes an xtensor of shape (n, D) or (D,), a batch_view or a "
                "std::span<const T, D>; with a context inverse(y, context); into memory of your "
                "own inverse(y, [context,] x, log_det, workspace)");
  constexpr bool log_prob_fits = fits || Call != call::log_prob;
  static_assert(log_prob_fits,
                "bijou: log_prob(y) takes an xtensor of shape (n, D) or (D,), a batch_view or a "
                "std::span<const T, D>; with a context log_prob(y, context); into memory of your "
                "own log_prob(y, [context,] log_prob, workspace)");
  constexpr bool value_and_grad_fits = fits || Call != call::value_and_grad;
  static_assert(
      value_and_grad_fits,
      "bijou: value_and_grad(z) takes an xtensor of shape (n, D) or (D,), a batch_view or "
      "a std::span<const T, D>; with a context value_and_grad(z, context); into memory of "
      "your own value_and_grad(z, [context,] gradient, value, workspace)");
  constexpr bool no_outputs = fits || (Call != call::log_pdf && Call != call::log_det_jacobian);
  static_assert(no_outputs,
                "bijou: log_pdf(y) and log_det_jacobian(x) take samples as log_prob(y) does, or "
                "samples and a context, and no outputs");
  constexpr bool sample_fits = fits || Call != call::sample;
  static_assert(sample_fits,
                "bijou: sample(stream, n) takes a random stream, such as a philox, and the number "
                "of samples; with a context sample(stream, n, context); into memory of your own "
                "sample(stream, y, [context,] workspace)");
  constexpr bool sample_and_log_prob_fits = fits || Call != call::sample_and_log_prob;
  static_assert(sample_and_log_prob_fits,
                "bijou: sample_and_log_prob(stream, n) takes a random stream and the number of "
                "samples; with a context sample_and_log_prob(stream, n, context); into memory of "
                "your own sample_and_log_prob(stream, y, [context,] log_prob, workspace)");
  constexpr bool sample_from_fits = fits || Call != call::sample_from;
  static_assert(sample_from_fits,
                "bijou: sample_from(noise) takes an xtensor of shape (n, D) or (D,), a batch_view "
                "or a std::span<const T, D>; with a context sample_from(noise, context); into "
                "memory of your own sample_from(noise, [context,] y, log_prob, workspace)");
  constexpr bool has_context = Found != mistake::context_missing;
  static_assert(has_context, "bijou: this flow has a given<C>: pass the context, as in "
                             "log_prob(y, context), or fix it with condition(context)");
  constexpr bool wants_context = Found != mistake::context_unwanted;
  static_assert(wants_context, "bijou: a context is only for flows with given<C>, and one: "
                               "normal<8> | given<3> | maf<64>");
  constexpr bool knows_its_length = Found != mistake::unknown_length;
  static_assert(
      knows_its_length,
      "bijou: of a std::vector, or a std::span without a length in its type, nobody knows "
      "how many samples it holds: say so, as in rows_of(v.data(), n, D); one event is a "
      "std::span<const T, D>");
  constexpr bool is_one_event = Found != mistake::event_size;
  static_assert(is_one_event, "bijou: a std::span or std::array is one event, and has as many "
                              "values as the flow has variables; batches are rows_of(data, n, D)");
  constexpr bool is_one_context = Found != mistake::context_size;
  static_assert(is_one_context, "bijou: a std::span or std::array is one context, and has as many "
                                "values as given<C> says; several are rows_of(data, n, C)");
  constexpr bool is_of_the_scalar_type = Found != mistake::scalar;
  static_assert(
      is_of_the_scalar_type,
      "bijou: memory is of the flow's own scalar type, float or double (only what is read "
      "from an xtensor is converted)");
  constexpr bool can_be_written = Found != mistake::constant;
  static_assert(can_be_written, "bijou: an output of this call cannot be written: it is const, or "
                                "an expression without memory of its own");
  constexpr bool is_output = Found != mistake::constant_or_context;
  static_assert(is_output,
                "bijou: an output of this call is const (and a context is only for flows "
                "with given<C>, which this one has not)");
  constexpr bool takes_values = Found != mistake::values;
  static_assert(takes_values,
                "bijou: log p and log-determinants go, a number for each sample, into a T*, a "
                "std::span<T>, an xtensor of rank 1, for one event a T&, or nowhere: nullptr");
  constexpr bool is_for_one_event = Found != mistake::number_for_a_batch;
  static_assert(is_for_one_event,
                "bijou: a single number takes the log p of one event, a "
                "std::span<T, D>; that of a batch goes into a T* or std::span<T>");
  constexpr bool has_workspace = Found != mistake::memory;
  static_assert(has_workspace, "bijou: a workspace is of the flow's scalar type and not const: "
                               "auto workspace = q.make_workspace()");
  constexpr bool has_stream = Found != mistake::stream;
  static_assert(has_stream, "bijou: sample(stream, n) draws with a philox (not const: it is moved "
                            "on) or a standard generator of random bits");
  return Found == mistake::none;
}

/// What a refused call gives: something that goes everywhere, so that one mistake is one error.
template <class Usual> struct refused : Usual {
  template <class U> operator U() const; // NOLINT(google-explicit-constructor)
};

using usual_values = value_vector<float>;
using usual_batch = decltype(new_batch<float, false>(0, 1));

/// Whether noise can be found from given points; if not, the call says so.
template <class Self> constexpr bool check_inverse() {
  constexpr bool has_inverse = Self::invertible;
  static_assert(has_inverse, "bijou: a word of this flow has no inverse, as a mixing(map) without "
                             "map.inverse: the flow scores its own samples (sample_and_log_prob), "
                             "and no points from elsewhere");
  return has_inverse;
}

} // namespace detail

/// Calls of a bijector on D variables. Cost: about one pass over the networks' weights per sample
/// in either direction.
/// \throws std::invalid_argument if shapes or counts do not fit, with those expected and given, or
/// the workspace is not of this flow
template <class Self, class T, int D> class bijector_calls {
 public:
  /// Noise to data, y = f(x), with log|det dy/dx|, nats:
  ///
  ///     auto [y, log_det] = q.forward(x);                // or (x, context)
  ///     q.forward(x, y, log_det, workspace);             // or (x, context, y, log_det, workspace)
  template <class... A> auto forward(A&&... arguments) const {
    constexpr auto found = detail::find_mistake<detail::call::forward, Self, T, D, A...>();
    if constexpr (detail::accept<detail::call::forward, found>())
      return detail::complete(detail::map_call<detail::forward_way, Self>{self()}, arguments...);
    else
      return refused<forward_result<usual_batch, usual_values>>{};
  }
  /// Data to noise, x = f^-1(y), with log|det dx/dy|, nats:
  ///
  ///     auto [x, log_det] = q.inverse(y);                // or (y, context)
  ///     q.inverse(y, x, log_det, workspace);             // or (y, context, x, log_det, workspace)
  template <class... A> auto inverse(A&&... arguments) const {
    constexpr auto found = detail::find_mistake<detail::call::inverse, Self, T, D, A...>();
    if constexpr (detail::accept<detail::call::inverse, found>() && detail::check_inverse<Self>())
      return detail::complete(detail::map_call<detail::inverse_way, Self>{self()}, arguments...);
    else
      return refused<inverse_result<usual_batch, usual_values>>{};
  }
  /// log|det dy/dx| at x, nats; arguments of forward without outputs.
  template <class... A> auto log_det_jacobian(A&&... arguments) const {
    constexpr auto found = detail::find_mistake<detail::call::log_det_jacobian, Self, T, D, A...>();
    if constexpr (detail::accept<detail::call::log_det_jacobian, found>())
      return forward(arguments...).log_det;
    else
      return refused<usual_values>{};
  }

 protected:
  const Self& self() const { return static_cast<const Self&>(*this); }

 private:
  template <class R> using refused = detail::refused<R>;
  using usual_batch = detail::usual_batch;
  using usual_values = detail::usual_values;
};

/// Calls that score samples of D variables. Cost: about one pass over the networks' weights per
/// sample.
/// \throws std::invalid_argument as bijector_calls does
template <class Self, class T, int D> class log_prob_calls {
 public:
  /// log p of each sample, nats: -inf outside the support, NaN for a sample with a NaN.
  ///
  ///     auto log_p = q.log_prob(y);                      // or (y, context)
  ///     q.log_prob(y, log_p, workspace);                 // or (y, context, log_p, workspace)
  ///     T one = q.log_prob(event, workspace);            // or (event, context, workspace)
  template <class... A> auto log_prob(A&&... arguments) const {
    constexpr auto found = detail::find_mistake<detail::call::log_prob, Self, T, D, A...>();
    if constexpr (detail::accept<detail::call::log_prob, found>() && detail::check_inverse<Self>())
      return detail::complete(detail::log_prob_call<Self>{self()}, arguments...);
    else
      return detail::refused<detail::usual_values>{};
  }
  /// The classic name of log_prob: one value for each sample, nats.
  template <class... A> auto batch_log_pdf(A&&... arguments) const {
    constexpr auto found = detail::find_mistake<detail::call::log_prob, Self, T, D, A...>();
    if constexpr (detail::accept<detail::call::log_prob, found>())
      return log_prob(arguments...);
    else
      return detail::refused<detail::usual_values>{};
  }
  /// The classic name of the sum over the batch, nats, taken in double. Arguments of log_prob
  /// without outputs.
  template <class... A> double log_pdf(A&&... arguments) const {
    constexpr auto found = detail::find_mistake<detail::call::log_pdf, Self, T, D, A...>();
    double sum = 0;
    if constexpr (detail::accept<detail::call::log_pdf, found>()) {
      const auto each = log_prob(arguments...);
      if constexpr (std::is_arithmetic_v<decltype(each)>)
        sum = static_cast<double>(each);
      else
        for (const auto v : each) sum += static_cast<double>(v);
    }
    return sum;
  }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
};

/// Calls of a distribution on D variables. Cost: about one pass over the networks' weights per
/// sample, to score as to sample.
/// \throws std::invalid_argument as bijector_calls does
template <class Self, class T, int D> class flow_calls : public log_prob_calls<Self, T, D> {
 public:
  /// n samples, or as many as y has room for.
  ///
  ///     auto y = q.sample(stream, n);                    // or (stream, n, context)
  ///     q.sample(stream, y, workspace);                  // or (stream, y, context, workspace)
  ///
  /// `stream` is a philox (samples number position() .. position() + n - 1; it is moved on by n) or
  /// any standard generator of random bits, which then gives a philox its seed.
  template <class... A> auto sample(A&&... arguments) const {
    constexpr auto found = detail::find_mistake<detail::call::sample, Self, T, D, A...>();
    if constexpr (detail::accept<detail::call::sample, found>())
      return draw<false>(arguments...);
    else
      return detail::refused<batch>{};
  }
  /// The samples of sample(...), with their log p, nats, in one pass: nothing is inverted.
  ///
  ///     auto [y, log_p] = q.sample_and_log_prob(stream, n);     // or (stream, n, context)
  ///     q.sample_and_log_prob(stream, y, log_p, workspace);     // or (stream, y, context, ...)
  ///     T one = q.sample_and_log_prob(stream, event, workspace);
  template <class... A> auto sample_and_log_prob(A&&... arguments) const {
    constexpr auto found =
        detail::find_mistake<detail::call::sample_and_log_prob, Self, T, D, A...>();
    if constexpr (detail::accept<detail::call::sample_and_log_prob, found>())
      return draw<true>(arguments...);
    else
      return detail::refused<sample_result<batch, detail::usual_values>>{};
  }
  /// Samples made of given noise, such as quasi-random points, with their log p, nats: sample i of
  /// row i.
  ///
  ///     auto [y, log_p] = q.sample_from(noise);          // or (noise, context)
  ///     q.sample_from(noise, y, log_p, workspace);       // or (noise, context, y, ...)
  template <class... A> auto sample_from(A&&... arguments) const {
    constexpr auto found = detail::find_mistake<detail::call::sample_from, Self, T, D, A...>();
    if constexpr (detail::accept<detail::call::sample_from, found>())
      return detail::complete(detail::map_call<detail::sample_way, Self>{self()}, arguments...);
    else
      return detail::refused<sample_result<batch, detail::usual_values>>{};
  }

 private:
  using batch = detail::usual_batch;
  const Self& self() const { return static_cast<const Self&>(*this); }

  template <bool Scored, class Stream, class... A>
  auto draw(Stream& stream, A&... arguments) const {
    if constexpr (std::is_same_v<Stream, philox>) {
      return detail::complete(detail::sample_call<Scored, Self>{self(), stream}, arguments...);
    } else { // the generator gives the seed, and is moved on by it alone
      philox own{std::uniform_int_distribution<std::uint64_t>{}(stream)};
      return detail::complete(detail::sample_call<Scored, Self>{self(), own}, arguments...);
    }
  }
};

} // namespace bijou::inline BIJOU_ISA

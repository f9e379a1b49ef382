#pragma once
/// \file
/// The boundary to xtensor: the one file that includes it.
///
/// Batches are rank-2 expressions of shape (n, D), in any layout, lazy or not: those that lie in
/// memory as T are read through their strides, all others are evaluated a tile at a time and never
/// as a whole. Rank 1 is always one event of shape (D,); results then have rank 1, and log_det and
/// log_prob are numbers. (Of an xt::xarray the compiler does not know the rank: one event is then a
/// batch of one.) A context is (n, C), or (C,) for one that all samples share.

#include <bijou/flow/calls.hpp>
#include <bijou/grammar/item.hpp>

#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xtensor.hpp>
#endif

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

template <class X>
concept xtensor_like = xt::is_xexpression<X>::value;

/// Whether the rank is known to be 1. The type of the shape says so for views and lazy expressions
/// too, of which xt::get_rank knows nothing in some releases.
template <xtensor_like X> constexpr bool has_rank_one() {
  using shape = typename X::shape_type;
  if constexpr (requires { std::tuple_size<shape>::value; })
    return std::tuple_size<shape>::value == 1;
  else
    return xt::get_rank<X>::value == 1;
}
template <xtensor_like X> constexpr bool is_one_event = has_rank_one<X>();

/// "(100, 7)"
template <class X> std::string shape_of(const X& x) {
  std::string s = "(";
  for (std::size_t i = 0; i < x.dimension(); ++i)
    s += (i ? ", " : "") + std::to_string(x.shape()[i]);
  return s + (x.dimension() == 1 ? ",)" : ")");
}
/// Throws unless x is (n, size), or one event (size,).
template <class X> void check_shape(const char* who, const char* what, const X& x, int size) {
  const std::size_t rank = x.dimension();
  if ((rank == 1 || rank == 2) && x.shape()[rank - 1] == static_cast<std::size_t>(size)) return;
  throw std::invalid_argument(std::string(who) + ": expected " + what + " of shape (n, " +
                              std::to_string(size) + "), got " + shape_of(x));
}
template <class X> std::size_t count_of(const X& x) {
  return x.dimension() == 1 ? 1 : static_cast<std::size_t>(x.shape()[0]);
}

/// A source that evaluates an expression element by element as tiles are filled.
template <class T, class X> struct expression_source {
  const X& x;

  std::size_t count() const { return count_of(x); }
  template <int L>
  void load(std::size_t first, int n, int size, T* tile, const int* position) const {
    for (int v = 0; v < size; ++v) {
      T* row = tile + position[v] * L;
      for (int i = 0; i < n; ++i) row[i] = at(first + static_cast<std::size_t>(i), v);
      std::fill(row + n, row + lanes_for<T>(n), row[n - 1]);
    }
  }
  void load(std::size_t i, int size, T* values, const int* position) const {
    for (int v = 0; v < size; ++v) values[position[v]] = at(i, v);
  }

 private:
  T at(std::size_t i, int v) const {
    const auto d = static_cast<std::size_t>(v);
    return static_cast<T>(x.dimension() == 1 ? x(d) : x(i, d));
  }
};

/// What samples can be drawn with: a philox of one's own, or a standard generator of random bits.
template <class Stream>
inline constexpr bool is_stream =
    std::is_same_v<Stream, philox> || std::uniform_random_bit_generator<Stream>;

template <class T, class X> auto source_of(const X& x) {
  if constexpr (xt::has_data_interface<X>::value && xt::has_strides<X>::value &&
                std::is_same_v<std::remove_const_t<typename X::value_type>, T>) {
    const T* data = x.data() + static_cast<std::ptrdiff_t>(x.data_offset());
    const std::size_t rank = x.dimension();
    return memory_source<T>{{data, count_of(x),
                             rank == 1 ? 0 : static_cast<std::ptrdiff_t>(x.strides()[0]),
                             static_cast<std::ptrdiff_t>(x.strides()[rank - 1])}};
  } else {
    return expression_source<T, X>{x};
  }
}

// Results of one event are a rank lower.
template <class T, bool One> auto new_batch(std::size_t n, int size) {
  const auto d = static_cast<std::size_t>(size);
  if constexpr (One)
    return xt::xtensor<T, 1>(std::array<std::size_t, 1>{d});
  else
    return xt::xtensor<T, 2>(std::array<std::size_t, 2>{n, d});
}
template <class T, bool One> using values_of = std::conditional_t<One, T, xt::xtensor<T, 1>>;
template <class T, bool One> values_of<T, One> new_values(std::size_t n) {
  if constexpr (One)
    return T{};
  else
    return xt::xtensor<T, 1>(std::array<std::size_t, 1>{n});
}
template <class T> T* data_of(T& one) { return &one; }
template <class T> T* data_of(xt::xtensor<T, 1>& many) { return many.data(); }
template <class B> auto sink_of(B& batch, std::size_t n, int size) {
  return memory_sink<typename B::value_type>{rows_of(batch.data(), n, size)};
}

/// Whether a call has a context exactly if it wants one.
template <class Self, class... Context> constexpr bool check_contexts() {
  constexpr bool has_context = Self::context_size == 0 || sizeof...(Context) == 1;
  static_assert(has_context, "bijou: this flow has a given<C>: pass the context, as in "
                             "log_prob(y, context), or fix it with condition(context)");
  constexpr bool wants_context = sizeof...(Context) == 0 || Self::context_size > 0;
  static_assert(wants_context, "bijou: a context is only for flows with given<C>, and one: "
                               "normal<8> | given<3> | maf<64>");
  return has_context && wants_context;
}

/// Calls f(context) with what a context expression means for n samples of `self`.
template <class Self, class X, class F>
void with_context(const Self& self, const char* who, const X& context, std::size_t n, F&& f) {
  using T = typename Self::value_type;
  constexpr int size = Self::context_size;
  check_shape(who, "a context", context, size);
  if (context.dimension() == 1 || (context.shape()[0] == 1 && n != 1)) {
    const auto fixed = self.fold_context(expression_source<T, X>{context});
    f(fixed.shared());
  } else {
    check_context_count(who, count_of(context), n);
    f(source_of<T>(context));
  }
}

} // namespace detail

/// y = f(x) with log|det dy/dx| of each sample, nats.
template <class Batch, class Values> struct forward_result {
  Batch y;        ///< (n, D); (D,) of one event
  Values log_det; ///< (n,); a number for one event
};
/// x = f^-1(y) with log|det dx/dy| of each sample, nats.
template <class Batch, class Values> struct inverse_result {
  Batch x;        ///< (n, D); (D,) of one event
  Values log_det; ///< (n,); a number for one event
};
/// Samples with their log p, nats.
template <class Batch, class Values> struct sample_result {
  Batch samples;   ///< (n, D)
  Values log_prob; ///< (n,)
};

/// Calls of a bijector on xtensor expressions. `context...` is empty, or one context expression.
/// Results and a workspace are allocated. Cost: about one pass over the networks' weights per
/// sample in either direction.
/// \throws std::invalid_argument if a shape does not fit, with the shapes expected and given
template <class Self, class T, int D>
class xtensor_bijector_calls : public bijector_calls<Self, T, D> {
  using memory = bijector_calls<Self, T, D>;

 public:
  using memory::forward;
  using memory::inverse;

  /// Noise to data: forward_result with y and log|det dy/dx|, nats.
  template <detail::xtensor_like X, detail::xtensor_like... Context>
  auto forward(const X& x, const Context&... context) const {
    auto [y, log_det] = map<true, true>("forward", x, context...);
    return forward_result<decltype(y), decltype(log_det)>{std::move(y), std::move(log_det)};
  }
  /// Data to noise: inverse_result with x and log|det dx/dy|, nats.
  template <detail::xtensor_like X, detail::xtensor_like... Context>
  auto inverse(const X& y, const Context&... context) const {
    auto [x, log_det] = map<false, detail::check_inverse<Self>()>("inverse", y, context...);
    return inverse_result<decltype(x), decltype(log_det)>{std::move(x), std::move(log_det)};
  }
  // Calls with anything else, answered in a sentence.
  template <class X>
    requires(!detail::xtensor_like<X>)
  xt::xtensor<T, 2> forward(const X&) const {
    static_assert(never<X>, "bijou: forward(x) takes an xtensor of shape (n, D), or (D,) for one "
                            "event; memory of your own comes as forward(x, y, log_det, workspace)");
    return {};
  }
  template <class X>
    requires(!detail::xtensor_like<X>)
  xt::xtensor<T, 2> inverse(const X&) const {
    static_assert(never<X>, "bijou: inverse(y) takes an xtensor of shape (n, D), or (D,) for one "
                            "event; memory of your own comes as inverse(y, x, log_det, workspace)");
    return {};
  }
  /// log|det dy/dx| at x, nats.
  template <detail::xtensor_like X, detail::xtensor_like... Context>
  auto log_det_jacobian(const X& x, const Context&... context) const {
    return forward(x, context...).log_det;
  }

 private:
  template <bool Forward, bool Exists, class X, class... Context>
  auto map(const char* who, const X& x, const Context&... context) const {
    detail::check_shape(who, "samples", x, D);
    const std::size_t n = detail::count_of(x);
    constexpr bool one = detail::is_one_event<X>;
    auto result = std::pair{detail::new_batch<T, one>(n, D), detail::new_values<T, one>(n)};
    workspace<T> ws = memory::self().make_workspace();
    const auto run = [&](const auto& c) {
      memory::self().template map<Forward>(detail::source_of<T>(x),
                                           detail::sink_of(result.first, n, D),
                                           detail::data_of(result.second), ws, c);
    };
    if constexpr (!detail::check_contexts<Self, Context...>() || !Exists)
      return result;
    else if constexpr (sizeof...(Context) == 0)
      run(memory::self().context());
    else
      detail::with_context(memory::self(), who, context..., n, run);
    return result;
  }
};

/// Calls of a distribution on xtensor expressions. Results and a workspace are allocated. Cost:
/// about one pass over the networks' weights per sample, to score as to sample.
/// \throws std::invalid_argument if a shape does not fit, with the shapes expected and given
template <class Self, class T, int D> class xtensor_flow_calls : public flow_calls<Self, T, D> {
  using memory = flow_calls<Self, T, D>;

 public:
  using memory::log_prob;
  using memory::sample;
  using memory::sample_and_log_prob;

  /// log p of each sample, nats: -inf outside the support, NaN for a sample with a NaN.
  template <detail::xtensor_like Y, detail::xtensor_like... Context>
  auto log_prob(const Y& y, const Context&... context) const {
    detail::check_shape("log_prob", "samples", y, D);
    const std::size_t n = detail::count_of(y);
    auto result = detail::new_values<T, detail::is_one_event<Y>>(n);
    workspace<T> ws = memory::self().make_workspace();
    if constexpr (detail::check_inverse<Self>() && detail::check_contexts<Self, Context...>())
      with(
          "log_prob", n,
          [&](const auto& c) {
            memory::self().score(detail::source_of<T>(y), detail::data_of(result), ws, c);
          },
          context...);
    return result;
  }
  template <class Y>
    requires(!detail::xtensor_like<Y>)
  xt::xtensor<T, 1> log_prob(const Y&) const {
    static_assert(never<Y>, "bijou: log_prob(y) takes an xtensor of shape (n, D), or (D,) for one "
                            "event; a std::span of one event comes with a workspace: "
                            "log_prob(event, workspace)");
    return {};
  }
  /// The classic name of log_prob: one value for each sample, nats.
  template <detail::xtensor_like Y, detail::xtensor_like... Context>
  auto batch_log_pdf(const Y& y, const Context&... context) const {
    return log_prob(y, context...);
  }
  /// The classic name of the sum over the batch, nats; added in double.
  template <detail::xtensor_like Y, detail::xtensor_like... Context>
  T log_pdf(const Y& y, const Context&... context) const {
    const auto each = log_prob(y, context...);
    if constexpr (detail::is_one_event<Y>) {
      return each;
    } else {
      double sum = 0;
      for (const T v : each) sum += static_cast<double>(v);
      return static_cast<T>(sum);
    }
  }

  /// n samples, shape (n, D), and their log p. `stream` is a philox (samples number position() ..
  /// position() + n - 1; it is moved on by n) or any standard generator of random bits, which then
  /// gives a philox its seed.
  template <class Stream, detail::xtensor_like... Context>
    requires(!detail::xtensor_like<std::remove_cvref_t<Stream>>)
  auto sample_and_log_prob(Stream&& stream, std::size_t n, const Context&... context) const {
    auto samples = detail::new_batch<T, false>(n, D);
    auto log_prob = detail::new_values<T, false>(n);
    constexpr bool has_stream = detail::is_stream<std::remove_reference_t<Stream>>;
    static_assert(has_stream, "bijou: sample_and_log_prob(stream, n) draws with a philox (not "
                              "const: it is moved on) or a standard generator of random bits");
    if constexpr (has_stream && detail::check_contexts<Self, Context...>())
      draw("sample_and_log_prob", stream, n, samples, log_prob.data(), context...);
    return sample_result<decltype(samples), decltype(log_prob)>{std::move(samples),
                                                                std::move(log_prob)};
  }
  /// n samples, shape (n, D): those of sample_and_log_prob.
  template <class Stream, detail::xtensor_like... Context>
    requires(!detail::xtensor_like<std::remove_cvref_t<Stream>>)
  auto sample(Stream&& stream, std::size_t n, const Context&... context) const {
    auto samples = detail::new_batch<T, false>(n, D);
    constexpr bool has_stream = detail::is_stream<std::remove_reference_t<Stream>>;
    static_assert(has_stream, "bijou: sample(stream, n) draws with a philox (not const: it is "
                              "moved on) or a standard generator of random bits");
    if constexpr (has_stream && detail::check_contexts<Self, Context...>())
      draw("sample", stream, n, samples, nullptr, context...);
    return samples;
  }
  template <class One> xt::xtensor<T, 2> sample(const One&) const {
    static_assert(never<One>, "bijou: sample(stream, n) takes a random stream, such as a philox, "
                              "and the number of samples");
    return {};
  }

  /// Samples made of given noise, such as quasi-random points: row i of (n, D) makes sample i. With
  /// their log p, nats.
  template <detail::xtensor_like Noise, detail::xtensor_like... Context>
  auto sample_from(const Noise& noise, const Context&... context) const {
    detail::check_shape("sample_from", "noise", noise, D);
    const std::size_t n = detail::count_of(noise);
    constexpr bool one = detail::is_one_event<Noise>;
    auto samples = detail::new_batch<T, one>(n, D);
    auto log_prob = detail::new_values<T, one>(n);
    workspace<T> ws = memory::self().make_workspace();
    if constexpr (detail::check_contexts<Self, Context...>())
      with(
          "sample_from", n,
          [&](const auto& c) {
            memory::self().draw_from(detail::source_of<T>(noise), detail::sink_of(samples, n, D),
                                     detail::data_of(log_prob), ws, c);
          },
          context...);
    return sample_result<decltype(samples), decltype(log_prob)>{std::move(samples),
                                                                std::move(log_prob)};
  }

 private:
  template <class Stream, class Samples, class... Context>
  void draw(const char* who, Stream& stream, std::size_t n, Samples& samples, T* log_prob,
            const Context&... context) const {
    if constexpr (!std::is_same_v<Stream, philox>) {
      // The generator gives the seed, and is moved on by it alone.
      philox own{std::uniform_int_distribution<std::uint64_t>{}(stream)};
      draw(who, own, n, samples, log_prob, context...);
    } else {
      workspace<T> ws = memory::self().make_workspace();
      with(
          who, n,
          [&](const auto& c) {
            memory::self().draw(stream, n, detail::sink_of(samples, n, D), log_prob, ws, c);
          },
          context...);
    }
  }
  template <class F> void with(const char*, std::size_t, F&& f) const {
    f(memory::self().context());
  }
  template <class F, class Context>
  void with(const char* who, std::size_t n, F&& f, const Context& context) const {
    detail::with_context(memory::self(), who, context, n, f);
  }
};

} // namespace bijou::inline BIJOU_ISA

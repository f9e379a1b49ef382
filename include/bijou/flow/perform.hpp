#pragma once
/// \file
/// What the calls of a flow do once their arguments are accepted: arguments become sources and
/// sinks, shapes and counts are compared, and the loops of the flow run.

#include <bijou/flow/arguments.hpp>
#include <bijou/kernels/direction.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace bijou::inline BIJOU_ISA {

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

namespace detail {

// --- as sources and sinks

template <class U> std::size_t count_of(const batch_view<U>& b) { return b.count; }
template <event_argument A> constexpr std::size_t count_of(const A&) { return 1; }

template <class U> void check_shape(const char*, const char*, const batch_view<U>&, int) {}
template <event_argument A> void check_shape(const char*, const char*, const A&, int) {}

template <class T, class U> sample_source<T> source_of(const batch_view<U>& b) { return b; }
template <class T, event_argument A> sample_source<T> source_of(const A& event) {
  const std::span s(event);
  return rows_of<const T>(s.data(), 1, static_cast<int>(s.size()));
}
template <class T> sample_sink<T> sink_of(const batch_view<T>& b) { return b; }
template <class T, event_argument A> sample_sink<T> sink_of(A& event) {
  const std::span s(event);
  return rows_of<T>(s.data(), 1, static_cast<int>(s.size()));
}

/// Where a number for each of n samples goes.
template <class T, class V>
value_sink<T> values_in(const char* who, const char* what, V& values, std::size_t n) {
  const auto check = [&](std::size_t length) {
    if (length != n)
      throw std::invalid_argument(std::string(who) + ": expected room for " + what + " of " +
                                  std::to_string(n) + " samples, got " + std::to_string(length));
  };
  if constexpr (std::is_null_pointer_v<V>) {
    return {};
  } else if constexpr (std::is_pointer_v<V>) {
    return {values};
  } else if constexpr (std::is_same_v<V, T>) {
    return {&values};
  } else if constexpr (xtensor_like<V>) {
    if (values.dimension() != 1) check(0);
    check(static_cast<std::size_t>(values.shape()[0]));
    return strided_values<T>(values);
  } else {
    const std::span s(values);
    check(s.size());
    return {s.data()};
  }
}

/// Throws unless there are samples to be written where n are read.
template <class Y> void check_count(const char* who, const char* what, const Y& y, std::size_t n) {
  if (count_of(y) != n)
    throw std::invalid_argument(std::string(who) + ": expected " + what + " for " +
                                std::to_string(n) + " samples, got " + std::to_string(count_of(y)));
}

/// New samples like those given: of a std::span or std::array a std::array, else an xtensor.
template <class T, int D, class Like> auto new_batch_like(std::size_t n) {
  if constexpr (event_argument<Like>)
    return std::array<T, static_cast<std::size_t>(D)>{};
  else
    return new_batch<T, is_one<Like>()>(n, D);
}
/// New numbers for samples like those given: of one event a T, else an xtensor.
template <class T, class Like> auto new_values_like([[maybe_unused]] std::size_t n) {
  if constexpr (is_one<Like>())
    return T{};
  else
    return value_vector<T>(std::array<std::size_t, 1>{n});
}

// --- contexts

struct no_context {};

inline void check_context_count(const char* who, std::size_t rows, std::size_t samples) {
  if (rows != samples)
    throw std::invalid_argument(std::string(who) + ": expected one row of context for each of " +
                                std::to_string(samples) + " samples, got " + std::to_string(rows));
}

/// What a context means for n samples of `self`: a row for each, or one for all, whose share of the
/// first layers is computed once, in the workspace. One: a single event, which reads its context as
/// it is. The bits are the same.
template <bool One, class Self, class Context, class T>
context_source<T> contexts_of(const Self& self, const char* who, const Context& context,
                              std::size_t n, workspace<T>& ws) {
  if constexpr (std::is_same_v<Context, no_context>) {
    return self.context();
  } else {
    check_shape(who, "a context", context, Self::context_size);
    const sample_source<T> rows = source_of<T>(context);
    if constexpr (!One)
      if (is_one<Context>() || (count_of(context) == 1 && n != 1))
        return self.fold_context(rows, ws);
    check_context_count(who, count_of(context), n);
    return {rows};
  }
}

// --- the calls

template <class... A> inline constexpr bool has_workspace = (false || ... || is_workspace<bare<A>>);

/// The number of samples to be drawn.
template <class N> std::size_t count_from(const char* who, N n) {
  if constexpr (std::is_signed_v<N>)
    if (n < 0)
      throw std::invalid_argument(std::string(who) + ": expected a number of samples, got " +
                                  std::to_string(n));
  return static_cast<std::size_t>(n);
}

/// Calls `call(samples, context, ..., workspace)` with what a list of arguments leaves out: the
/// context of flows without one, and a workspace.
template <class Call, class First, class... Rest>
auto complete(const Call& call, First& first, Rest&... rest) {
  if constexpr (!has_workspace<Rest...>) {
    auto own = call.q.make_workspace();
    return complete(call, first, rest..., own);
  } else if constexpr (std::remove_cvref_t<decltype(call.q)>::context_size == 0) {
    return call(first, no_context{}, rest...);
  } else {
    return call(first, rest...);
  }
}

// What the mapping calls are called, do, and give.
struct forward_way {
  static constexpr const char *who = "forward", *reads = "samples", *numbers = "log_det";
  template <class Batch, class Values> static auto give(Batch to, Values values) {
    return forward_result<Batch, Values>{std::move(to), std::move(values)};
  }
  template <class Self, class... A> static void run(const Self& q, A&&... a) {
    q.template map<direction::forward>(a...);
  }
};
struct inverse_way {
  static constexpr const char *who = "inverse", *reads = "samples", *numbers = "log_det";
  template <class Batch, class Values> static auto give(Batch to, Values values) {
    return inverse_result<Batch, Values>{std::move(to), std::move(values)};
  }
  template <class Self, class... A> static void run(const Self& q, A&&... a) {
    q.template map<direction::inverse>(a...);
  }
};
struct sample_way {
  static constexpr const char *who = "sample_from", *reads = "noise", *numbers = "log_prob";
  template <class Batch, class Values> static auto give(Batch to, Values values) {
    return sample_result<Batch, Values>{std::move(to), std::move(values)};
  }
  template <class Self, class... A> static void run(const Self& q, A&&... a) {
    q.write_samples_from(a...);
  }
};

/// forward, inverse and sample_from with samples, a context or none, the outputs that are given,
/// and a workspace.
template <class Way, class Self> struct map_call {
  using T = typename Self::value_type;
  const Self& q;

  template <class X, class C> auto operator()(const X& x, const C& c, workspace<T>& ws) const {
    check_shape(Way::who, Way::reads, x, Self::size);
    const std::size_t n = count_of(x);
    auto y = new_batch_like<T, Self::size, const X&>(n);
    auto values = new_values_like<T, const X&>(n);
    (*this)(x, c, y, values, ws);
    return Way::give(std::move(y), std::move(values));
  }
  template <class X, class C, class Y>
  auto operator()(const X& x, const C& c, Y& y, workspace<T>& ws) const {
    check_shape(Way::who, Way::reads, x, Self::size);
    auto values = new_values_like<T, const X&>(count_of(x));
    (*this)(x, c, y, values, ws);
    return values;
  }
  template <class X, class C, class Y, class V>
  void operator()(const X& x, const C& c, Y& y, V& values, workspace<T>& ws) const {
    check_shape(Way::who, Way::reads, x, Self::size);
    check_shape(Way::who, "an output", y, Self::size);
    const std::size_t n = count_of(x);
    check_count(Way::who, "an output", y, n);
    const value_sink<T> out = values_in<T>(Way::who, Way::numbers, values, n);
    Way::run(q, source_of<T>(x), sink_of<T>(y), out, ws,
             contexts_of<is_one<const X&>()>(q, Way::who, c, n, ws));
  }
};

/// log_prob, likewise.
template <class Self> struct log_prob_call {
  using T = typename Self::value_type;
  const Self& q;

  template <class Y, class C> auto operator()(const Y& y, const C& c, workspace<T>& ws) const {
    check_shape("log_prob", "samples", y, Self::size);
    auto values = new_values_like<T, const Y&>(count_of(y));
    (*this)(y, c, values, ws);
    return values;
  }
  template <class Y, class C, class V>
  void operator()(const Y& y, const C& c, V& values, workspace<T>& ws) const {
    check_shape("log_prob", "samples", y, Self::size);
    const std::size_t n = count_of(y);
    const value_sink<T> out = values_in<T>("log_prob", "log_prob", values, n);
    q.write_log_prob(source_of<T>(y), out, ws,
                     contexts_of<is_one<const Y&>()>(q, "log_prob", c, n, ws));
  }
};

/// sample and, Scored, sample_and_log_prob: the samples are a number of them, or where they go.
template <bool Scored, class Self> struct sample_call {
  using T = typename Self::value_type;
  static constexpr const char* who = Scored ? "sample_and_log_prob" : "sample";
  const Self& q;
  philox& stream;

  template <std::integral N, class C>
  auto operator()(const N& count, const C& c, workspace<T>& ws) const {
    const std::size_t n = count_from(who, count);
    auto y = new_batch<T, false>(n, Self::size);
    if constexpr (Scored) {
      auto values = new_values_like<T, decltype(y)&>(n);
      (*this)(y, c, values, ws);
      return sample_result<decltype(y), decltype(values)>{std::move(y), std::move(values)};
    } else {
      (*this)(y, c, nobody, ws);
      return y;
    }
  }
  template <class Y, class C>
    requires(!std::integral<Y>)
  auto operator()(Y& y, const C& c, workspace<T>& ws) const {
    if constexpr (Scored) {
      check_shape(who, "samples", y, Self::size);
      auto values = new_values_like<T, Y&>(count_of(y));
      (*this)(y, c, values, ws);
      return values;
    } else {
      (*this)(y, c, nobody, ws);
    }
  }
  template <class Y, class C, class V>
  void operator()(Y& y, const C& c, V& values, workspace<T>& ws) const {
    check_shape(who, "samples", y, Self::size);
    const std::size_t n = count_of(y);
    const value_sink<T> out = values_in<T>(who, "log_prob", values, n);
    q.write_samples(stream, n, sink_of<T>(y), out, ws, contexts_of<is_one<Y&>()>(q, who, c, n, ws));
  }

 private:
  static constexpr std::nullptr_t nobody = nullptr;
};

} // namespace detail
} // namespace bijou::inline BIJOU_ISA

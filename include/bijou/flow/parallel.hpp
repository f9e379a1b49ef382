#pragma once
/// \file
/// `parallel(q, threads)`: a flow whose batches several threads share.
///
///     const auto team = parallel(q, 2);
///     auto y = team.sample(stream, 100'000);      // the bits of q.sample(stream, 100'000)
///     auto log_p = team.log_prob(y);

#include <bijou/flow/condition.hpp>
#include <bijou/flow/thread_team.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// Samples `first` ... of a source.
template <class Source> struct source_part {
  const Source& whole;
  std::size_t first, size;

  std::size_t count() const { return size; }
  template <int L, class T>
  void load(std::size_t i, int n, int variables, T* tile, const int* position) const {
    whole.template load<L>(first + i, n, variables, tile, position);
  }
  template <class T> void load(std::size_t i, int variables, T* values, const int* position) const {
    whole.load(first + i, variables, values, position);
  }
};

/// Samples `first` ... of a sink.
template <class Sink> struct sink_part {
  const Sink& whole;
  std::size_t first;

  explicit operator bool() const { return static_cast<bool>(whole); }
  template <int L, class T>
  void store(std::size_t i, int n, int variables, const T* tile, const int* position) const {
    whole.template store<L>(first + i, n, variables, tile, position);
  }
  template <class T>
  void store(std::size_t i, int variables, const T* values, const int* position) const {
    whole.store(first + i, variables, values, position);
  }
};

template <class T>
shared_context<T> context_part(const shared_context<T>& c, std::size_t, std::size_t) {
  return c;
}
template <class Source>
source_part<Source> context_part(const Source& c, std::size_t first, std::size_t n) {
  return {c, first, n};
}

} // namespace detail

/// All calls of a flow (or of one under a fixed context) that is shared by threads, which live as
/// long as this object does. Refers to the flow. Each thread takes whole tiles, and has a workspace
/// of its own: the workspace that calls on memory ask for may be empty. One call at a time.
///
/// Cost: the flow's, divided by the number of threads, and tens of microseconds to wake them; up to
/// 128 samples stay with the caller. Calls on memory allocate nothing.
template <class Flow>
class parallel_flow
    : public bijector_calls<parallel_flow<Flow>, typename Flow::value_type, Flow::size>,
      public flow_calls<parallel_flow<Flow>, typename Flow::value_type, Flow::size> {
  using T = typename Flow::value_type;

 public:
  using value_type = T;
  static constexpr int size = Flow::size;                 ///< D
  static constexpr int context_size = Flow::context_size; ///< C, 0 without given<C>
  static constexpr bool invertible = Flow::invertible;    ///< whether it can score and invert

  /// What parallel() calls.
  parallel_flow(const Flow& q, int threads)
      : flow_(&q), team_(std::make_unique<detail::thread_team>(threads)) {
    for (int rank = 0; rank < threads; ++rank) workspaces_.push_back(q.make_workspace());
  }

  /// Nothing: each thread has its own.
  workspace<T> make_workspace() const { return {}; }
  /// {D}
  auto event_shape() const { return flow_->event_shape(); }
  /// {}
  auto batch_shape() const { return flow_->batch_shape(); }
  /// How many threads share a batch, the caller's among them.
  int threads() const { return team_->size(); }

  // The loops of the flow (bijector.hpp, flow.hpp), each thread on its part of the samples.

  auto context() const { return flow_->context(); }
  /// One context for all samples, in the caller's thread's workspace: the others read it there.
  template <class Source> auto fold_context(const Source& c, workspace<T>&) const {
    return flow_->fold_context(c, workspaces_[0]);
  }
  template <bool Forward, class Source, class Sink, class Context>
  void map(const Source& from, const Sink& to, detail::value_sink<T> log_det, workspace<T>&,
           const Context& context) const {
    share_out(from.count(), [&](std::size_t first, std::size_t n, workspace<T>& ws) {
      flow_->template map<Forward>(part(from, first, n), detail::sink_part<Sink>{to, first},
                                   log_det.from(first), ws,
                                   detail::context_part(context, first, n));
    });
  }
  template <class Source, class Context>
  void score(const Source& y, detail::value_sink<T> log_prob, workspace<T>&,
             const Context& context) const {
    share_out(y.count(), [&](std::size_t first, std::size_t n, workspace<T>& ws) {
      flow_->score(part(y, first, n), log_prob.from(first), ws,
                   detail::context_part(context, first, n));
    });
  }
  template <class Sink, class Context>
  void draw(philox& stream, std::size_t count, const Sink& y, detail::value_sink<T> log_prob,
            workspace<T>&, const Context& context) const {
    share_out(count, [&](std::size_t first, std::size_t n, workspace<T>& ws) {
      philox own = stream;
      own.advance(first);
      flow_->draw(own, n, detail::sink_part<Sink>{y, first}, log_prob.from(first), ws,
                  detail::context_part(context, first, n));
    });
    stream.advance(count);
  }
  template <class Source, class Sink, class Context>
  void draw_from(const Source& noise, const Sink& y, detail::value_sink<T> log_prob, workspace<T>&,
                 const Context& context) const {
    share_out(noise.count(), [&](std::size_t first, std::size_t n, workspace<T>& ws) {
      flow_->draw_from(part(noise, first, n), detail::sink_part<Sink>{y, first},
                       log_prob.from(first), ws, detail::context_part(context, first, n));
    });
  }

 private:
  static constexpr std::size_t tile_size = 128; // of most flows: parts are whole tiles

  template <class Source>
  static detail::source_part<Source> part(const Source& s, std::size_t first, std::size_t n) {
    return {s, first, n};
  }

  /// f(first, n, workspace) on each thread.
  template <class F> void share_out(std::size_t count, F&& f) const {
    if (count <= tile_size) {
      f(std::size_t{0}, count, workspaces_[0]);
      return;
    }
    const auto ranks = static_cast<std::size_t>(team_->size());
    const std::size_t tiles = (count + tile_size - 1) / tile_size;
    team_->run([&](int rank) {
      const auto r = static_cast<std::size_t>(rank);
      const auto tile_share = detail::share::of(tiles, r, ranks);
      const std::size_t first = tile_share.begin * tile_size;
      const std::size_t end = std::min(count, tile_share.end * tile_size);
      if (first < end) f(first, end - first, workspaces_[r]);
    });
  }

  const Flow* flow_;
  std::unique_ptr<detail::thread_team> team_;
  mutable std::vector<workspace<T>> workspaces_;
};

/// `threads` threads share the batches of all calls; the bits are those of q's own calls.
/// \throws std::invalid_argument if threads < 1
template <class Flow> parallel_flow<Flow> parallel(const Flow& q, int threads) {
  constexpr bool is_flow =
      std::derived_from<Flow, flow_calls<Flow, typename Flow::value_type, Flow::size>>;
  static_assert(is_flow, "bijou: parallel(q, threads) takes a flow: make_flow(base | word)");
  return {q, threads};
}
template <class Flow> parallel_flow<Flow> parallel(const Flow&& q, int threads) {
  static_assert(never<Flow>, "bijou: parallel(q, threads) refers to its flow, so that a temporary "
                             "would be gone: give the flow a name first");
  return {q, threads};
}

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// `parallel(q, threads)`: a flow whose batches several threads share.
///
///     const auto team = parallel(q, 2);
///     auto y = team.sample(stream, 100'000);      // the bits of q.sample(stream, 100'000)
///     auto log_p = team.log_prob(y);

#include <bijou/flow/condition.hpp>
#include <bijou/flow/thread_team.hpp>
#include <bijou/kernels/direction.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <vector>

namespace bijou::inline BIJOU_ISA {

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
  using samples = detail::sample_source<T>;
  using contexts = detail::context_source<T>;
  using sink = detail::sample_sink<T>;
  using values = detail::value_sink<T>;

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
  auto fold_context(const samples& c, workspace<T>&) const {
    return flow_->fold_context(c, workspaces_[0]);
  }
  template <detail::direction Way>
  void map(const samples& from, const sink& to, values log_det, workspace<T>&,
           const contexts& context) const {
    share_out(from.count(), [&](std::size_t first, std::size_t n, workspace<T>& ws) {
      flow_->template map<Way>(from.part(first, n), to.part(first), log_det.from(first), ws,
                               context.part(first, n));
    });
  }
  void write_log_prob(const samples& y, values log_prob, workspace<T>&,
                      const contexts& context) const {
    share_out(y.count(), [&](std::size_t first, std::size_t n, workspace<T>& ws) {
      flow_->write_log_prob(y.part(first, n), log_prob.from(first), ws, context.part(first, n));
    });
  }
  void write_samples(philox& stream, std::size_t count, const sink& y, values log_prob,
                     workspace<T>&, const contexts& context) const {
    share_out(count, [&](std::size_t first, std::size_t n, workspace<T>& ws) {
      philox own = stream;
      own.advance(first);
      flow_->write_samples(own, n, y.part(first), log_prob.from(first), ws, context.part(first, n));
    });
    stream.advance(count);
  }
  void write_samples_from(const samples& noise, const sink& y, values log_prob, workspace<T>&,
                          const contexts& context) const {
    share_out(noise.count(), [&](std::size_t first, std::size_t n, workspace<T>& ws) {
      flow_->write_samples_from(noise.part(first, n), y.part(first), log_prob.from(first), ws,
                                context.part(first, n));
    });
  }

 private:
  static constexpr std::size_t tile_size = 128; // of most flows: parts are whole tiles

  /// f(first, n, workspace) on each thread.
  void share_out(std::size_t count,
                 detail::function_ref<void(std::size_t, std::size_t, workspace<T>&)> f) const {
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

#pragma once
/// \file
/// What the benchmarks of whole flows measure: a flow's public calls, with all the memory that they
/// want. Several threads may share a batch: each has a workspace and a part of the samples.

#include <bijou/bijou.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace bench {

using namespace bijou;

/// A flow, which must outlive it, with a batch of samples of its own and their noise.
template <class Flow> struct subject {
  using T = typename Flow::value_type;
  static constexpr int size = Flow::size;
  static constexpr auto extent = static_cast<std::size_t>(size);

  const Flow& q;
  std::vector<T> x, y, log_prob;
  philox stream{1};
  std::vector<workspace<T>> workspaces;
  std::unique_ptr<bijou::detail::thread_team> team;
  std::size_t next = 0; ///< the event that is scored next

  subject(const Flow& flow, std::size_t n, int threads = 1)
      : q(flow), x(n * extent), y(n * extent), log_prob(n),
        team(std::make_unique<bijou::detail::thread_team>(threads)) {
    for (int i = 0; i < threads; ++i) workspaces.push_back(q.make_workspace());
    draw();
    inverse();
  }

  std::size_t batch() const { return log_prob.size(); }
  /// Rows [begin, end) of a batch.
  static batch_view<T> rows(std::vector<T>& v, std::size_t begin, std::size_t end) {
    return rows_of(v.data() + begin * extent, end - begin, size);
  }
  /// f(begin, end, rank) for each thread's part of the batch.
  template <class F> void share(F&& f) {
    using part = bijou::detail::share;
    team->run([&](int rank) {
      const auto r = static_cast<std::size_t>(rank);
      const part p = part::of(batch(), r, workspaces.size());
      f(p.begin, p.end, r);
    });
  }

  void forward() {
    share([&](std::size_t begin, std::size_t end, std::size_t rank) {
      q.forward(rows(x, begin, end), rows(y, begin, end), &log_prob[begin], workspaces[rank]);
    });
  }
  void inverse() {
    share([&](std::size_t begin, std::size_t end, std::size_t rank) {
      q.inverse(rows(y, begin, end), rows(x, begin, end), &log_prob[begin], workspaces[rank]);
    });
  }
  void score() {
    share([&](std::size_t begin, std::size_t end, std::size_t rank) {
      q.log_prob(rows(y, begin, end), &log_prob[begin], workspaces[rank]);
    });
  }
  /// Samples y with log q, random numbers included.
  void draw() {
    share([&](std::size_t begin, std::size_t end, std::size_t rank) {
      philox part = stream;
      part.advance(begin);
      q.sample_and_log_prob(part, rows(y, begin, end), &log_prob[begin], workspaces[rank]);
    });
    stream.advance(batch());
  }

  // One event, every call another one.

  void sample_event() { q.sample(stream, std::span<T, extent>(x.data(), extent), workspaces[0]); }
  T draw_event() {
    return q.sample_and_log_prob(stream, std::span<T, extent>(x.data(), extent), workspaces[0]);
  }
  T score_event() {
    const T* event = y.data() + (next++ % batch()) * extent;
    return q.log_prob(std::span<const T, extent>(event, extent), workspaces[0]);
  }
};

/// Steps of maximum likelihood with Adam on samples of a flow. Threads add their gradients up.
template <class Flow> class trainer {
  using T = typename Flow::value_type;

 public:
  trainer(const Flow& flow, std::size_t n, int threads = 1)
      : q_(flow), data_(flow, n, threads), optimizer_(q_.parameters().size(), {}) {
    for (int i = 0; i < threads; ++i) {
      workspaces_.push_back(q_.make_gradient_workspace());
      gradients_.emplace_back(q_.parameters().size());
    }
  }
  void step() {
    data_.share([&](std::size_t begin, std::size_t end, std::size_t rank) {
      const std::span<T> gradient(gradients_[rank]);
      std::fill(gradient.begin(), gradient.end(), T(0));
      const scored_batch<T> part{subject<Flow>::rows(data_.y, begin, end)};
      accumulate_log_prob_gradient(q_, part, T(-1) / static_cast<T>(data_.batch()), gradient,
                                   workspaces_[rank]);
    });
    auto& sum = gradients_[0];
    for (std::size_t rank = 1; rank < gradients_.size(); ++rank)
      std::transform(sum.begin(), sum.end(), gradients_[rank].begin(), sum.begin(), std::plus{});
    optimizer_.step(q_.parameters(), std::span<const T>(sum));
  }
  /// The samples, and the flow as it was.
  subject<Flow>& data() { return data_; }

 private:
  Flow q_;
  subject<Flow> data_;
  adam<T> optimizer_;
  std::vector<workspace<T>> workspaces_;
  std::vector<aligned_vector<T>> gradients_;
};

/// Unmasked weights of all networks: multiply-adds of a sample.
template <class Flow> double multiply_adds(const Flow& q) {
  double sum = 0;
  q.compiled().each([&](const auto& layer) {
    if constexpr (requires { layer.network().multiply_adds(); })
      sum += static_cast<double>(layer.network().multiply_adds());
  });
  return sum;
}

} // namespace bench

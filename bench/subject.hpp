#pragma once
/// \file
/// What the benchmarks of whole flows measure: a flow's public calls, with all the memory that they
/// want. Several threads may share a batch.

#include <bijou/bijou.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace bench {

using namespace bijou;

/// A flow, which must outlive it, with a batch of samples of its own and their noise.
template <class Flow> struct subject {
  using T = typename Flow::value_type;
  static constexpr int size = Flow::size;
  static constexpr auto extent = static_cast<std::size_t>(size);

  const Flow& q;
  parallel_flow<Flow> team;
  std::vector<T> x, y, log_prob;
  philox stream{1};
  workspace<T> memory;
  std::size_t next = 0; ///< the event that is scored next

  subject(const Flow& flow, std::size_t n, int threads = 1)
      : q(flow), team(parallel(flow, threads)), x(n * extent), y(n * extent), log_prob(n),
        memory(flow.make_workspace()) {
    draw();
    inverse();
  }

  std::size_t batch() const { return log_prob.size(); }
  batch_view<T> rows(std::vector<T>& v) { return rows_of(v.data(), batch(), size); }

  void forward() { team.forward(rows(x), rows(y), log_prob.data(), memory); }
  void inverse() { team.inverse(rows(y), rows(x), log_prob.data(), memory); }
  void score() { team.log_prob(rows(y), log_prob.data(), memory); }
  /// Samples y with log q, random numbers included.
  void draw() { team.sample_and_log_prob(stream, rows(y), log_prob.data(), memory); }

  // One event, every call another one.

  void sample_event() { q.sample(stream, std::span<T, extent>(x.data(), extent), memory); }
  T draw_event() {
    return q.sample_and_log_prob(stream, std::span<T, extent>(x.data(), extent), memory);
  }
  T score_event() {
    const T* event = y.data() + (next++ % batch()) * extent;
    return q.log_prob(std::span<const T, extent>(event, extent), memory);
  }
};

/// Steps of maximum likelihood with Adam on samples of a flow. Threads add their gradients up.
template <class Flow> class trainer {
  using T = typename Flow::value_type;

 public:
  trainer(const Flow& flow, std::size_t n, int threads = 1)
      : q_(flow), data_(flow, n, threads),
        steps_(q_.parameters(), q_.make_gradient_workspace(), {}, threads,
               static_cast<std::size_t>(threads), bijou::detail::this_process()) {}
  void step() {
    const T scale = T(-1) / static_cast<T>(data_.batch());
    steps_.reduce([&] {
      steps_.for_each_share([&](std::size_t i, std::span<T> gradient, workspace<T>& ws) {
        const auto part = bijou::detail::share::of(data_.batch(), i, steps_.shares());
        const T* first = data_.y.data() + part.begin * subject<Flow>::extent;
        const weighted_batch<T> batch{rows_of(first, part.end - part.begin, Flow::size)};
        accumulate_log_prob_gradient(q_, batch, scale, gradient, ws);
      });
      return 0.0; // nobody asks for the loss
    });
    steps_.step(1);
  }
  /// The samples, and the flow as it was.
  subject<Flow>& data() { return data_; }

 private:
  Flow q_;
  subject<Flow> data_;
  bijou::detail::parameter_steps<T> steps_;
};

/// Steps on the ELBO with Adam, new noise in each.
template <class Flow, class Target> class guide {
  using T = typename Flow::value_type;

 public:
  guide(const Flow& flow, Target target, std::size_t n)
      : q_(flow), objective_(elbo(target, {.samples = n})),
        optimizer_(q_.parameters().size(), {.learning_rate = 1e-4}),
        memory_(q_.make_gradient_workspace()), gradient_(q_.parameters().size()) {}
  void step() {
    std::fill(gradient_.begin(), gradient_.end(), T(0));
    objective_.accumulate(q_, stream_, std::span<T>(gradient_), memory_);
    optimizer_.step(q_.parameters(), std::span<const T>(gradient_));
  }

 private:
  Flow q_;
  decltype(elbo(std::declval<Target>())) objective_;
  adam<T> optimizer_;
  workspace<T> memory_;
  aligned_vector<T> gradient_;
  philox stream_{1};
};

/// Unmasked weights of all networks: multiply-adds of a sample.
template <class Flow> double multiply_adds(const Flow& q) {
  double sum = 0;
  q.layers().each([&](const auto& layer) {
    if constexpr (requires { layer.network().multiply_adds(); })
      sum += static_cast<double>(layer.network().multiply_adds());
  });
  return sum;
}

} // namespace bench

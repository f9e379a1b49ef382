#pragma once
/// \file
/// What every training loop moves parameters with: threads, their gradients, the optimizer, and the
/// last parameters known to be good.

#include <bijou/flow/thread_team.hpp>
#include <bijou/flow/workspace.hpp>
#include <bijou/kernels/aligned.hpp>
#include <bijou/training/adam.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA::detail {

/// Gradients of `shares` parts of a batch, added in their order whatever thread made them: the bits
/// of a step depend on the number of shares alone. Steps allocate nothing.
template <class Flow> class parameter_steps {
  using T = typename Flow::value_type;

 public:
  /// At least one share for each thread that is to have work.
  parameter_steps(Flow& q, const adam_options& options, int threads, std::size_t shares)
      : q_(q), team_(threads), optimizer_(q.parameters().size(), options),
        good_(q.parameters().begin(), q.parameters().end()) {
    for (int rank = 0; rank < team_.size(); ++rank)
      workspaces_.push_back(q.make_gradient_workspace());
    for (std::size_t i = 0; i < shares; ++i) gradients_.emplace_back(q.parameters().size());
  }

  std::size_t shares() const { return gradients_.size(); }
  int threads() const { return team_.size(); }

  /// Calls f(rank, workspace) on all threads.
  template <class F> void run(F&& f) {
    team_.run([&](int rank) {
      const auto r = static_cast<std::size_t>(rank);
      f(r, workspaces_[r]);
    });
  }
  /// Calls f(share, gradient, workspace) for all shares, with a gradient of zeros.
  template <class F> void for_each_share(F&& f) {
    run([&](std::size_t rank, workspace<T>& ws) {
      for (std::size_t i = rank; i < shares(); i += static_cast<std::size_t>(threads())) {
        std::fill(gradients_[i].begin(), gradients_[i].end(), T(0));
        f(i, std::span<T>(gradients_[i]), ws);
      }
    });
  }

  /// Adds the gradients and moves the parameters. Returns the gradient's norm; if that is not
  /// finite nothing moves.
  double step(double factor) {
    sum_gradients();
    return optimizer_.step(q_.parameters(), gradients_[0], factor);
  }

  /// Keeps the parameters as they are now; and goes back to those kept.
  void remember() {
    const std::span<const T> now = std::as_const(q_).parameters();
    std::copy(now.begin(), now.end(), good_.begin());
  }
  void restore() { std::copy(good_.begin(), good_.end(), q_.parameters().begin()); }

 private:
  /// Into the first.
  void sum_gradients() {
    if (shares() == 1) return;
    team_.run([&](int rank) {
      const share mine = share::of(gradients_[0].size(), static_cast<std::size_t>(rank),
                                   static_cast<std::size_t>(threads()));
      for (std::size_t s = 1; s < shares(); ++s)
        for (std::size_t i = mine.begin; i < mine.end; ++i) gradients_[0][i] += gradients_[s][i];
    });
  }

  Flow& q_;
  thread_team team_;
  adam<T> optimizer_;
  aligned_vector<T> good_;
  std::vector<aligned_vector<T>> gradients_;
  std::vector<workspace<T>> workspaces_;
};

} // namespace bijou::inline BIJOU_ISA::detail

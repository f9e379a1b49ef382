#pragma once
/// \file
/// What every training loop moves parameters with: threads, their gradients, the optimizer, and the
/// last parameters known to be good.

#include <bijou/flow/thread_team.hpp>
#include <bijou/flow/workspace.hpp>
#include <bijou/kernels/aligned.hpp>
#include <bijou/training/adam.hpp>
#include <bijou/training/checkpoint.hpp>
#include <bijou/training/processes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA::detail {

/// Gradients of `shares` parts of a batch, added in their order whatever thread made them: the bits
/// of a step depend on the number of shares alone. Several processes add theirs by one collective
/// sum, and move alike. Steps allocate nothing.
template <class T> class parameter_steps {
 public:
  /// The parameters and a workspace for their gradient are of the flow. At least one share for each
  /// thread that is to have work.
  parameter_steps(std::span<T> parameters, const workspace<T>& memory, const adam_options& options,
                  int threads, std::size_t shares, const processes& all)
      : parameters_(parameters), processes_(all), team_(threads),
        optimizer_(parameters.size(), options), good_(parameters.begin(), parameters.end()),
        workspaces_(static_cast<std::size_t>(team_.size()), memory) {
    for (std::size_t i = 0; i < shares; ++i) gradients_.emplace_back(count());
    gradients_[0].resize(count() + slots);
  }

  std::size_t shares() const { return gradients_.size(); }
  int threads() const { return team_.size(); }

  /// The places of `count` that are this process's.
  share own(std::size_t count) const {
    return share::of(count, static_cast<std::size_t>(processes_.rank()),
                     static_cast<std::size_t>(processes_.size()));
  }
  /// Those of them that are share i.
  share part(share own, std::size_t i) const {
    const share within = share::of(own.end - own.begin, i, shares());
    return {own.begin + within.begin, own.begin + within.end};
  }

  /// Calls f(rank, workspace) on all threads.
  void run(function_ref<void(std::size_t, workspace<T>&)> f) {
    team_.run([&](int rank) {
      const auto r = static_cast<std::size_t>(rank);
      f(r, workspaces_[r]);
    });
  }
  /// Calls f(share, gradient, workspace) for all shares, with a gradient of zeros.
  void for_each_share(function_ref<void(std::size_t, std::span<T>, workspace<T>&)> f) {
    run([&](std::size_t rank, workspace<T>& ws) {
      for (std::size_t i = rank; i < shares(); i += static_cast<std::size_t>(threads())) {
        std::fill(gradients_[i].begin(), gradients_[i].end(), T(0));
        f(i, std::span<T>(gradients_[i]).first(count()), ws);
      }
    });
  }

  /// Adds the gradients of all shares and processes. compute() makes those of this process, by
  /// for_each_share, and returns its part of the loss; the whole loss is returned. What compute
  /// throws in one process ends the run in all.
  double reduce(function_ref<double()> compute) {
    if (processes_.size() == 1) {
      const double loss = compute();
      sum_gradients();
      return loss;
    }
    double loss = 0;
    std::exception_ptr failure;
    try {
      loss = compute();
      sum_gradients();
    } catch (...) {
      failure = std::current_exception();
    }
    // Behind the gradient, so that one collective call does for all.
    T* const behind = gradients_[0].data() + count();
    behind[0] = static_cast<T>(loss);
    behind[1] = failure ? T(1) : T(0);
    processes_.sum(std::span<T>(gradients_[0]));
    if (behind[1] > 0) fail_together(processes_, failure);
    return static_cast<double>(behind[0]);
  }

  /// Moves the parameters. Returns the gradient's norm; if that is not finite nothing moves.
  double step(double factor) {
    return optimizer_.step(parameters_, std::span<const T>(gradients_[0]).first(count()), factor);
  }
  std::int64_t steps() const { return optimizer_.steps(); }

  /// Keeps the parameters as they are now; and goes back to those kept.
  void remember() { std::copy(parameters_.begin(), parameters_.end(), good_.begin()); }
  void restore() { std::copy(good_.begin(), good_.end(), parameters_.begin()); }

  /// All that steps change; and goes on from there.
  training_vectors<T> state() const {
    const auto copy = [](std::span<const T> v) { return std::vector<T>(v.begin(), v.end()); };
    return {copy(parameters_), copy(good_), copy(optimizer_.first_moment()),
            copy(optimizer_.second_moment())};
  }
  /// \throws std::invalid_argument if lengths do not fit
  void resume(std::int64_t steps, const training_vectors<T>& state) {
    if (state.parameters.size() != count() || state.good.size() != count())
      throw std::invalid_argument("checkpoint: expected " + std::to_string(count()) +
                                  " parameters, got " + std::to_string(state.parameters.size()) +
                                  " and " + std::to_string(state.good.size()));
    optimizer_.resume(steps, state.first_moment, state.second_moment);
    std::copy(state.parameters.begin(), state.parameters.end(), parameters_.begin());
    std::copy(state.good.begin(), state.good.end(), good_.begin());
  }

 private:
  static constexpr std::size_t slots = 2; // behind the gradient: the loss, how many failed

  std::size_t count() const { return good_.size(); }

  /// Into the first.
  void sum_gradients() {
    if (shares() == 1) return;
    team_.run([&](int rank) {
      const share mine =
          share::of(count(), static_cast<std::size_t>(rank), static_cast<std::size_t>(threads()));
      for (std::size_t s = 1; s < shares(); ++s)
        for (std::size_t i = mine.begin; i < mine.end; ++i) gradients_[0][i] += gradients_[s][i];
    });
  }

  std::span<T> parameters_;
  const processes& processes_;
  thread_team team_;
  adam<T> optimizer_;
  aligned_vector<T> good_;
  std::vector<aligned_vector<T>> gradients_;
  std::vector<workspace<T>> workspaces_;
};

} // namespace bijou::inline BIJOU_ISA::detail

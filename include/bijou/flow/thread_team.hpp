#pragma once
/// \file
/// A few threads that run one function together, again and again.

#include <bijou/kernels/function_ref.hpp>

#include <barrier>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace bijou::inline BIJOU_ISA::detail {

/// `run(f)` calls f(rank) once for each rank 0 .. size() - 1 and returns when all are done; rank 0
/// is the caller. Shares of the work belong to ranks, not to whoever is free: the same bits every
/// time.
class thread_team {
 public:
  explicit thread_team(int size)
      : failures_(checked(size)), // NOLINT(bugprone-throw-keyword-missing): a vector of them
        start_(size), done_(size) {
    try {
      for (int rank = 1; rank < size; ++rank) others_.emplace_back([this, rank] { work(rank); });
    } catch (...) { // no more threads to be had: send those home that wait for the rest
      (void)start_.arrive(size - static_cast<std::ptrdiff_t>(others_.size()));
      throw;
    }
  }
  thread_team(const thread_team&) = delete;
  thread_team& operator=(const thread_team&) = delete;
  ~thread_team() {
    job_ = nullptr;
    start_.arrive_and_wait();
    // The threads join as the vector goes, before the barriers that they still touch.
  }

  int size() const { return static_cast<int>(failures_.size()); }

  /// Allocates nothing. An exception in any rank is thrown here when all are done; of several the
  /// one of the lowest rank.
  void run(function_ref<void(int)> f) {
    job_ = &f;
    if (size() == 1) {
      f(0);
      return;
    }
    start_.arrive_and_wait();
    call(0);
    done_.arrive_and_wait();
    std::exception_ptr first;
    for (auto& failure : failures_) {
      if (failure && !first) first = failure;
      failure = nullptr;
    }
    if (first) std::rethrow_exception(first);
  }

 private:
  static std::size_t checked(int size) {
    if (size < 1)
      throw std::invalid_argument("threads: expected at least 1, got " + std::to_string(size));
    return static_cast<std::size_t>(size);
  }
  void work(int rank) {
    for (;;) {
      start_.arrive_and_wait();
      if (job_ == nullptr) return;
      call(rank);
      done_.arrive_and_wait();
    }
  }
  void call(int rank) {
    try {
      (*job_)(rank);
    } catch (...) {
      failures_[static_cast<std::size_t>(rank)] = std::current_exception();
    }
  }

  const function_ref<void(int)>* job_ = nullptr;
  std::vector<std::exception_ptr> failures_;
  std::barrier<> start_, done_;
  std::vector<std::jthread> others_;
};

/// Items [begin, end) of `count` that belong to `rank` of `ranks`: contiguous, sizes differ by at
/// most one.
struct share {
  std::size_t begin, end;
  static constexpr share of(std::size_t count, std::size_t rank, std::size_t ranks) {
    return {count * rank / ranks, count * (rank + 1) / ranks};
  }
};

} // namespace bijou::inline BIJOU_ISA::detail

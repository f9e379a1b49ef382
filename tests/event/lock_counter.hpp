#pragma once
/// \file
/// Counts what may make a thread wait: locks, conditions, semaphores, and the guards under which
/// local statics are made.

#include <cstddef>
#include <utility>

namespace bijou::testing {

/// Calls since the program began, in every thread. Defined in lock_counter.cpp, which must be
/// linked into the test program.
std::size_t locks_so_far() noexcept;

/// How often `work` locks or waits.
template <class Work> std::size_t locks_in(Work&& work) {
  const std::size_t before = locks_so_far();
  std::forward<Work>(work)();
  return locks_so_far() - before;
}

} // namespace bijou::testing

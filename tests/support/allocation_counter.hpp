#pragma once
/// \file
/// Counts what is taken from the heap: by new, by malloc and its relatives, in every thread.

#include <cstddef>
#include <utility>

namespace bijou::testing {

/// Calls since the program began. Operator new counts as one allocation, though it calls malloc.
struct heap_calls {
  std::size_t allocations;
  std::size_t releases; ///< not of null pointers
};

/// Defined in allocation_counter.cpp, which must be linked into the test program.
heap_calls heap_calls_so_far() noexcept;

/// The calls since an object of this type was made.
class heap_watch {
 public:
  heap_watch() : begin_(heap_calls_so_far()) {}
  heap_calls calls() const {
    const heap_calls now = heap_calls_so_far();
    return {now.allocations - begin_.allocations, now.releases - begin_.releases};
  }

 private:
  heap_calls begin_;
};

/// How often `work` allocates: `REQUIRE(allocations_in([&] { f.log_prob(x); }) == 0)`. Results must
/// leave `work` (be stored or printed), or the compiler may remove an allocation and its release.
template <class Work> std::size_t allocations_in(Work&& work) {
  const heap_watch watch;
  std::forward<Work>(work)();
  return watch.calls().allocations;
}

} // namespace bijou::testing

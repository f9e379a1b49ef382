// One event sampled or scored allocates nothing, takes no lock and calls no system: from the first
// call on, nothing is made lazily.
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "../catch.hpp"
#include "../support/allocation_counter.hpp"
#include "events.hpp"
#include "lock_counter.hpp"

using namespace bijou::testing;

TEST_CASE("single events allocate nothing", "[memory]") {
  for (const event_call& call : event_calls()) {
    CAPTURE(call.name);
    bool finite = false;
    CHECK(allocations_in([&] { finite = call.run(events); }) == 0);
    CHECK(finite);
  }
}

TEST_CASE("single events take no lock", "[locks]") {
  for (const event_call& call : event_calls()) {
    CAPTURE(call.name);
    bool finite = false;
    CHECK(locks_in([&] { finite = call.run(events); }) == 0);
    CHECK(finite);
  }
}

namespace {
/// Made when it is first asked for.
const int& made_late() {
  static const std::unique_ptr<int> value = std::make_unique<int>(7);
  return *value;
}
} // namespace

TEST_CASE("what is watched for is counted", "[memory][locks]") {
  std::unique_ptr<int> kept;
  CHECK(allocations_in([&] { kept = std::make_unique<int>(1); }) == 1);
  std::mutex mutex;
  CHECK(locks_in([&] { const std::lock_guard lock(mutex); }) == 1);
  CHECK(locks_in([&] { CHECK(std::unique_lock(mutex, std::try_to_lock).owns_lock()); }) >= 1);
  std::shared_mutex shared;
  CHECK(locks_in([&] { const std::shared_lock lock(shared); }) == 1);
  CHECK(locks_in([&] { const std::unique_lock lock(shared); }) == 1);
  int value = 0;
  CHECK(locks_in([&] { value = made_late(); }) >= 1);
  CHECK(locks_in([&] { value += made_late(); }) == 0);
  CHECK(value == 14);
}

/// \file
/// `kill -9` at random moments of a training run: never a broken checkpoint, never more lost than
/// one interval, and in the end the bits of a run that nobody disturbed.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <new>
#include <random>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "../catch.hpp"
#include "../support/scratch_folder.hpp"
#include "run.hpp"

using namespace bijou;
using testing::scratch_folder;

namespace bijou::testing {

fit_result train(faulty_flow& q, const checkpoints& places, int epochs,
                 const std::function<bool(const fit_epoch&)>& callback) {
  static const auto y = crooked<float>(60);
  return fit(q, y,
             {.epochs = epochs,
              .batch_size = 20,
              .schedule = schedules::cosine{},
              .callback = callback,
              .checkpoint = places});
}

} // namespace bijou::testing

TEST_CASE("kill -9 a hundred times", "[faults]") {
  constexpr int kills = 100, epochs = 400;
  const scratch_folder here;
  const std::string path = here / "run";
  // The epoch that the child is known to have ended.
  void* const shared = mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  auto& reached = *new (shared) std::atomic<int>(0);

  auto whole = testing::made(3);
  // The run ends early, for lack of patience, and writes its checkpoint there too.
  const int last = static_cast<int>(testing::train(whole, {}, epochs).history.size());
  std::mt19937 random(1);
  int killed = 0, ended = 0, least = 0, interrupted = 0;
  for (int every = 1; killed < kills;) {
    const int from = reached = least;
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        auto q = testing::made(3);
        testing::train(q, checkpoint_file(path, {.every = every, .resume = true}), epochs,
                       [&](const fit_epoch& e) {
                         reached = e.epoch;
                         return true;
                       });
        _exit(testing::values_of(q) == testing::values_of(whole) ? 0 : 2);
      } catch (...) {
        _exit(3);
      }
    }
    const auto alive = [&] {
      siginfo_t info{};
      waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT);
      return info.si_pid == 0;
    };
    while (reached == from && alive()) std::this_thread::sleep_for(std::chrono::microseconds(20));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 4000));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status)) { // it was done before
      REQUIRE(WEXITSTATUS(status) == 0);
      std::filesystem::remove(path);
      least = 0;
      every = 1 + ++ended % 3;
      continue;
    }
    ++killed;
    // An epoch's callback comes before its checkpoint.
    const int due = std::max(0, (reached - 1) / every * every);
    int have = 0;
    if (std::filesystem::exists(path)) { // throws if it is broken
      const training_state state = detail::read_checkpoint(path);
      have = static_cast<int>(state.result.history.size());
      CAPTURE(have, every);
      CHECK((have % every == 0 || have == last));
    }
    CHECK(have >= std::max(due, least));
    CHECK(have <= reached);
    least = have;
    const auto files = here.files();
    CHECK(files <= 2);
    if (files == 2) ++interrupted;
  }
  INFO("killed while it wrote: " << interrupted << ", runs that came to their end: " << ended);
  CHECK(interrupted > 0);
  auto q = testing::made(3);
  testing::train(q, checkpoint_file(path, {.every = 1, .resume = true}), epochs);
  CHECK(testing::values_of(q) == testing::values_of(whole));
  CHECK(here.files() == 1);
  munmap(shared, sizeof(std::atomic<int>));
}

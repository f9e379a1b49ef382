#include <bijou/flow/thread_team.hpp>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "../catch.hpp"
#include "../support/allocation_counter.hpp"

using namespace bijou;
using bijou::detail::share;
using bijou::detail::thread_team;

TEST_CASE("thread_team runs every rank once, rank 0 on the caller", "[flow]") {
  for (const int size : {1, 2, 5}) {
    thread_team team(size);
    CHECK(team.size() == size);
    std::vector<int> calls(static_cast<std::size_t>(size), 0);
    std::thread::id caller;
    for (int round = 0; round < 100; ++round)
      team.run([&](int rank) {
        ++calls[static_cast<std::size_t>(rank)];
        if (rank == 0) caller = std::this_thread::get_id();
      });
    CHECK(calls == std::vector<int>(static_cast<std::size_t>(size), 100));
    CHECK(caller == std::this_thread::get_id());
  }
}

TEST_CASE("thread_team passes the first rank's exception on and goes on working", "[flow]") {
  thread_team team(3);
  for (int round = 0; round < 3; ++round) {
    CHECK_THROWS_WITH(team.run([](int rank) {
      if (rank > 0) throw std::runtime_error("rank " + std::to_string(rank));
    }),
                      "rank 1");
    std::atomic<int> sum{0};
    team.run([&](int rank) { sum += rank; });
    CHECK(sum == 3);
  }
}

TEST_CASE("thread_team runs without allocating", "[flow]") {
  thread_team team(2);
  int work[2] = {0, 0};
  CHECK(testing::allocations_in([&] {
          for (int i = 0; i < 10; ++i) team.run([&](int rank) { ++work[rank]; });
        }) == 0);
  CHECK(work[1] == 10);
}

TEST_CASE("thread_team needs at least one thread", "[flow]") {
  CHECK_THROWS_WITH(thread_team(0), "threads: expected at least 1, got 0");
}

TEST_CASE("thread_team's shares cover all items in order", "[flow]") {
  for (std::size_t count = 0; count < 20; ++count)
    for (std::size_t ranks = 1; ranks < 7; ++ranks) {
      std::size_t next = 0;
      for (std::size_t r = 0; r < ranks; ++r) {
        const auto s = share::of(count, r, ranks);
        CHECK(s.begin == next);
        CHECK(s.end - s.begin <= count / ranks + 1);
        CHECK(s.end - s.begin >= count / ranks);
        next = s.end;
      }
      CHECK(next == count);
    }
}

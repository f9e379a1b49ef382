// One event sampled or scored makes no system call.
#include <sys/syscall.h>
#include <unistd.h>

#include "../catch.hpp"
#include "events.hpp"
#include "system_calls.hpp"

using namespace bijou::testing;

namespace {
bool ask_the_system() { return syscall(SYS_getpid) > 0; }

/// Where neither way of looking is open, nothing was shown.
void require_a_way(bool seccomp, bool trace) {
  INFO("neither seccomp's strict mode nor ptrace is available to this process: "
       "system calls cannot be observed");
  REQUIRE((seccomp || trace));
}
} // namespace

TEST_CASE("single events make no system call", "[system_calls]") {
  for (const event_call& call : event_calls()) {
    CAPTURE(call.name);
    const auto work = [&] { return call.run(events); };
    const auto confined = run_under_seccomp(work);
    const auto watched = run_traced(work);
    require_a_way(confined.has_value(), watched.has_value());
    if (confined) CHECK(*confined == outcome::no_system_call);
    if (watched) {
      CHECK(watched->system_calls == 0);
      CHECK(watched->result);
    }
  }
}

TEST_CASE("a system call is seen", "[system_calls]") {
  const auto confined = run_under_seccomp(ask_the_system);
  const auto watched = run_traced([] { return ask_the_system() && ask_the_system(); });
  require_a_way(confined.has_value(), watched.has_value());
  if (confined) CHECK(*confined == outcome::system_call);
  if (watched) {
    CHECK(watched->system_calls == 2);
    CHECK(watched->result);
  }
}

TEST_CASE("work that makes no system call is let through, with its result", "[system_calls]") {
  for (const bool result : {true, false}) {
    const auto work = [result] { return result; };
    const auto confined = run_under_seccomp(work);
    const auto watched = run_traced(work);
    require_a_way(confined.has_value(), watched.has_value());
    if (confined) CHECK(*confined == (result ? outcome::no_system_call : outcome::returned_false));
    if (watched) {
      CHECK(watched->system_calls == 0);
      CHECK(watched->result == result);
    }
  }
}

/// \file
/// The children and their parent.

#include "system_calls.hpp"

#include <cerrno>
#include <csignal>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int yes = 0, no = 1, unavailable = 2;

/// exit, and not exit_group, which strict mode forbids.
[[noreturn]] void leave(int status) {
  for (;;) syscall(SYS_exit, status);
}

/// waitpid, whatever signals arrive; the status.
int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

} // namespace

namespace bijou::testing {

std::optional<outcome> run_under_seccomp(const std::function<bool()>& work) {
  const pid_t child = fork();
  if (child < 0) return {};
  if (child == 0) {
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) leave(unavailable);
    leave(work() ? yes : no);
  }
  const int status = wait_for(child);
  if (WIFSIGNALED(status))
    return WTERMSIG(status) == SIGKILL ? outcome::system_call : outcome::other_end;
  switch (WEXITSTATUS(status)) {
  case yes:
    return outcome::no_system_call;
  case no:
    return outcome::returned_false;
  default:
    return {};
  }
}

std::optional<traced> run_traced(const std::function<bool()>& work) {
  const pid_t child = fork();
  if (child < 0) return {};
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) leave(unavailable);
    // By the number, not raise(): what follows is the work's.
    syscall(SYS_kill, getpid(), SIGSTOP);
    leave(work() ? yes : no);
  }
  int status = wait_for(child);
  if (!WIFSTOPPED(status)) return {};
  const auto go_on = [child](auto request, long data) {
    return ptrace(request, child, nullptr, reinterpret_cast<void*>(data)); // NOLINT
  };
  go_on(PTRACE_SETOPTIONS, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  int stops = 0; // one where a call is entered, one where it is left
  int signal = 0;
  for (;;) {
    if (go_on(PTRACE_SYSCALL, signal) != 0) return {};
    status = wait_for(child);
    if (!WIFSTOPPED(status)) break;
    const bool call = WSTOPSIG(status) == (SIGTRAP | 0x80);
    stops += call ? 1 : 0;
    signal = call ? 0 : WSTOPSIG(status);
  }
  if (!WIFEXITED(status)) return {};
  return traced{(stops - 1) / 2, WEXITSTATUS(status) == yes}; // SYS_exit is entered only
}

} // namespace bijou::testing

#pragma once
/// \file
/// Whether a function calls the system: it is run in a child process that the kernel kills at any
/// system call, and in one whose system calls are counted by its parent.

#include <functional>
#include <optional>

namespace bijou::testing {

/// How a child came to its end.
enum class outcome {
  no_system_call, ///< and the work returned true
  returned_false, ///< no system call either
  system_call,    ///< killed for it
  other_end
};

/// Runs `work` in a child under seccomp's strict mode, in which only read, write, sigreturn and
/// exit are allowed. Empty where that mode cannot be entered (a container has filters of its own).
std::optional<outcome> run_under_seccomp(const std::function<bool()>& work);

/// What a traced child did.
struct traced {
  int system_calls;
  bool result; ///< of the work
};

/// Runs `work` in a child and counts its system calls of any kind by ptrace. Empty where tracing is
/// not permitted.
std::optional<traced> run_traced(const std::function<bool()>& work);

} // namespace bijou::testing

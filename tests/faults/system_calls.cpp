// Functions of this program come before those of the C library; these ask the kernel themselves.
#include "system_calls.hpp"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fcntl.h>
#include <string>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace {

using bijou::testing::watched_calls;

bool watching = false;
watched_calls::fault what = watched_calls::fault::none;
int fault_at = 0;
int fault_error = 0;
int calls = 0;
std::string names;

[[noreturn]] void die() {
  ::syscall(SYS_kill, ::getpid(), SIGKILL);
  for (;;) {
  }
}

template <class Call> long watched(const char* name, const Call& call) {
  if (!watching) return call();
  names += (calls == 0 ? "" : " ") + std::string(name);
  if (++calls != fault_at) return call();
  using fault = watched_calls::fault;
  if (what == fault::death_before) die();
  if (what == fault::error) {
    errno = fault_error;
    return -1;
  }
  const long result = call();
  if (what == fault::death_after) die();
  return result;
}

} // namespace

namespace bijou::testing {

watched_calls::watched_calls(fault happens, int at, int error) {
  what = happens;
  fault_at = at;
  fault_error = error;
  calls = 0;
  ::names.clear();
  watching = true;
}
watched_calls::~watched_calls() { watching = false; }
std::string watched_calls::names() const { return ::names; }
int watched_calls::count() const { return calls; }

} // namespace bijou::testing

extern "C" {

ssize_t write(int file, const void* data, std::size_t size) {
  using fault = watched_calls::fault;
  const bool here = watching && calls + 1 == fault_at;
  if (here && what == fault::interruption) {
    ++calls;
    names += " write";
    errno = EINTR;
    return -1;
  }
  if (here && what == fault::half) size = (size + 1) / 2;
  return watched("write", [&] { return ::syscall(SYS_write, file, data, size); });
}
int fsync(int file) {
  return static_cast<int>(watched("fsync", [&] { return ::syscall(SYS_fsync, file); }));
}
int rename(const char* from, const char* to) {
  return static_cast<int>(watched(
      "rename", [&] { return ::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0U); }));
}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" // there is a struct of this name
int flock(int file, int operation) {
  return static_cast<int>(watched("flock", [&] { return ::syscall(SYS_flock, file, operation); }));
}
#pragma GCC diagnostic pop
int fchmod(int file, mode_t mode) {
  return static_cast<int>(watched("fchmod", [&] { return ::syscall(SYS_fchmod, file, mode); }));
}
int unlink(const char* path) noexcept {
  return static_cast<int>(
      watched("unlink", [&] { return ::syscall(SYS_unlinkat, AT_FDCWD, path, 0); }));
}
}

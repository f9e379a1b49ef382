#pragma once
/// \file
/// The system calls of a write, in this program's own hands: they are written down, and any of them
/// fails, is cut short or is the last that the process does.

#include <string>

namespace bijou::testing {

/// From here to the end of the scope. Calls are counted from 1.
class watched_calls {
 public:
  enum class fault { none, error, interruption, half, death_before, death_after };

  /// \param at the call that it happens to \param error what errno says then
  explicit watched_calls(fault what = fault::none, int at = 0, int error = 0);
  watched_calls(const watched_calls&) = delete;
  watched_calls& operator=(const watched_calls&) = delete;
  ~watched_calls();

  /// Their names, in order: "flock write write fsync rename fsync".
  std::string names() const;
  int count() const;
};

} // namespace bijou::testing

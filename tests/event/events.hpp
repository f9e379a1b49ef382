#pragma once
/// \file
/// Flows whose single events are watched, with everything that the calls need.

#include <functional>
#include <string>
#include <vector>

namespace bijou::testing {

/// One call of one flow. All memory is there before the first event.
struct event_call {
  std::string name;
  /// Makes so many events; whether all their densities are finite.
  std::function<bool(int events)> run;
};

/// Sampling, scoring, and both in one, of each flow in float and double.
std::vector<event_call> event_calls();

inline constexpr int events = 10000; ///< of each call

} // namespace bijou::testing

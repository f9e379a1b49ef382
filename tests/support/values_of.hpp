#pragma once
/// \file
/// A flow's parameters, to compare with those of another one or of another time.

#include <vector>

namespace bijou::testing {

/// A copy of all parameters.
template <class Flow> auto values_of(const Flow& q) {
  const auto p = q.parameters();
  return std::vector<typename Flow::value_type>(p.begin(), p.end());
}

} // namespace bijou::testing

#pragma once
/// \file
/// Staircases to test kernels with.

#include <algorithm>
#include <cstddef>
#include <random>
#include <vector>

namespace bijou::testing {

/// `rows` ascending limits of at most `columns`.
inline std::vector<int> random_limits(int rows, int columns, std::mt19937& random) {
  std::uniform_int_distribution<int> limit(0, columns);
  std::vector<int> limits(static_cast<std::size_t>(rows));
  for (int& l : limits) l = limit(random);
  std::sort(limits.begin(), limits.end());
  return limits;
}

} // namespace bijou::testing

// An outside user's program with one binary for all processors: standard normals are scored.
#include <cmath>
#include <cstdio>
#include <string>

#include "variants.hpp"

int main() {
  const auto log_p = log_densities({0, 0, 1, -2});
  const double at_zero = -std::log(2 * std::acos(-1.0));
  std::printf("%s: %g, %g\n", std::string(log_densities.instruction_set()).c_str(), log_p[0],
              log_p[1]);
  return std::abs(log_p[0] - at_zero) < 1e-12 && std::abs(log_p[1] - at_zero + 2.5) < 1e-12 ? 0 : 1;
}

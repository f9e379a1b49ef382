// The density, compiled once for each instruction set.
#include "variants.hpp"

#include <bijou/bijou.hpp>

namespace {
constexpr auto density = bijou::normal<2> | bijou::flip;
}

std::vector<double> BIJOU_VARIANT(log_densities)(const std::vector<double>& samples) {
  const auto q = bijou::make_flow<double>(density, 7);
  auto workspace = q.make_workspace();
  std::vector<double> log_p(samples.size() / 2);
  q.log_prob(bijou::rows_of(samples.data(), log_p.size(), 2), log_p.data(), workspace);
  return log_p;
}

#pragma once
// What every translation unit of this test does with the same flow.
#include <bijou/bijou.hpp>

#include <vector>

// Static: a function of one's own that is compiled for several instruction sets must not be inline.
static inline std::vector<double> use() {
  using namespace bijou;
  constexpr auto posterior = normal<3> | iaf<16> | flip | autoregressive<16>(affine);
  const auto q = make_flow<double>(posterior, 7);
  philox stream{42};
  const auto drawn = q.sample_and_log_prob(stream, 5);
  const auto log_prob = q.log_prob(drawn.samples);
  std::vector<double> result(drawn.samples.begin(), drawn.samples.end());
  result.insert(result.end(), log_prob.begin(), log_prob.end());
  return result;
}

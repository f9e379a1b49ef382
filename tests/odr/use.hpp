#pragma once
// What every translation unit of this test does with the same flow.
#include <bijou/bijou.hpp>

#include <vector>

// What a unit computed, and with how many lanes: each must have run its own code.
struct used {
  int lanes;
  std::vector<double> values;
  bool operator==(const used&) const = default;
};

// Static: a function of one's own that is compiled for several instruction sets must not be inline.
static inline used use() {
  using namespace bijou;
  constexpr auto posterior = normal<3> | iaf<16> | flip | autoregressive<16>(affine) |
                             coupling<8>(rational_quadratic<4>) | affine | exp_map;
  const auto q = make_flow<double>(posterior, 7);
  philox stream{42};
  const auto drawn = q.sample_and_log_prob(stream, 5);
  const auto log_prob = q.log_prob(drawn.samples);
  const auto loss = value_and_grad(q, drawn.samples);
  used result{simd::pack<double>::size, {drawn.samples.begin(), drawn.samples.end()}};
  result.values.insert(result.values.end(), log_prob.begin(), log_prob.end());
  result.values.insert(result.values.end(), loss.gradient.begin(), loss.gradient.end());
  return result;
}

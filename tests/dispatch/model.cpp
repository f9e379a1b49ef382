// Compiled once for each instruction set.
#include "model.hpp"

#include <bijou/bijou.hpp>

namespace {

constexpr auto posterior = bijou::normal<3> | bijou::iaf<16> | bijou::flip |
                           bijou::coupling<8>(bijou::rational_quadratic<4>) | bijou::affine |
                           bijou::exp_map;

template <class T> std::vector<T> numbers(std::uint64_t seed) {
  const auto q = bijou::make_flow<T>(posterior, seed);
  bijou::philox stream{42};
  const auto drawn = q.sample_and_log_prob(stream, 70);
  const auto log_prob = q.log_prob(drawn.samples);
  std::vector<T> all(drawn.samples.begin(), drawn.samples.end());
  all.insert(all.end(), drawn.log_prob.begin(), drawn.log_prob.end());
  all.insert(all.end(), log_prob.begin(), log_prob.end());
  return all;
}

} // namespace

app::computed app::BIJOU_VARIANT(compute)(std::uint64_t seed, bool fail) {
  ++calls;
  if (fail) throw model_error("as it should");
  return {bijou::simd::pack<double>::size, numbers<float>(seed), numbers<double>(seed)};
}

// An outside user's program: samples are scored as they were drawn.
#include <bijou/bijou.hpp>

#include <cmath>
#include <cstdio>

int main() {
  using namespace bijou;
  constexpr auto posterior = normal<2> | iaf<16>;
  const auto q = make_flow<double>(posterior, 7);
  philox stream{42};
  const auto drawn = q.sample_and_log_prob(stream, 100);
  const auto log_prob = q.log_prob(drawn.samples);
  for (std::size_t i = 0; i < log_prob.size(); ++i)
    if (!(std::abs(log_prob(i) - drawn.log_prob(i)) < 1e-10)) return 1;
  std::printf("%zu samples\n", log_prob.size());
  return 0;
}

// The README's first lines, and what they give.
#include <bijou/bijou.hpp>

#include <cstdio>

using namespace bijou;

constexpr auto posterior = normal<8> | iaf<64> | flip | iaf<64>; // a description: no data, sizeof 1

int main() {
  auto q = make_flow<float>(posterior, /*seed=*/7); // adds parameters, near the identity
  philox stream{42};                                // sample i is a function of (42, i)

  auto y = q.sample(stream, 10'000);                       // xt::xtensor<float, 2>, (10000, 8)
  auto log_p = q.log_prob(y);                              // nats, one per sample
  auto [z, log_q] = q.sample_and_log_prob(stream, 10'000); // one fused pass, nothing inverted
  auto [x, log_det] = q.inverse(y);                        // data to noise, log|det dx/dy|
  auto [y2, log_det2] = q.forward(x);                      // noise to data, log|det dy/dx|

  std::printf("%s", describe(posterior).c_str());
  std::printf("\nfirst sample: log p = %.4f nats; noise and back moves it by %.1e\n",
              static_cast<double>(log_p(0)), static_cast<double>(y2(0, 0) - y(0, 0)));
  std::printf("log|det| there and back: %.4f %+.4f; a fresh sample's log q = %.4f\n",
              static_cast<double>(log_det(0)), static_cast<double>(log_det2(0)),
              static_cast<double>(log_q(0)));
}

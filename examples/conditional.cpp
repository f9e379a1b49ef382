// A density that depends on a context: p(y | c), learned from pairs.
//
// The truth is a ring whose radius is the context: y = c (cos t, sin t) + noise.
#include <bijou/bijou.hpp>

#include <cmath>
#include <cstdio>
#include <numbers>

using namespace bijou;

constexpr auto layer = autoregressive<64>(rational_quadratic<8>);
constexpr auto ring = normal<2> | given<1> | layer | flip | layer;

struct pairs {
  xt::xtensor<float, 2> y, c;
};

pairs simulate(std::size_t n, std::uint64_t seed) {
  philox noise{seed};
  const auto unit = make_flow<float>(uniform<2>).sample(noise, n);
  const auto normals = make_flow<float>(normal<2>).sample(noise, n);
  pairs p{xt::xtensor<float, 2>({n, 2}), xt::xtensor<float, 2>({n, 1})};
  for (std::size_t i = 0; i < n; ++i) {
    const float radius = 1 + unit(i, 0);
    const float angle = 2 * std::numbers::pi_v<float> * unit(i, 1);
    p.c(i, 0) = radius;
    p.y(i, 0) = radius * std::cos(angle) + 0.1F * normals(i, 0);
    p.y(i, 1) = radius * std::sin(angle) + 0.1F * normals(i, 1);
  }
  return p;
}

int main() {
  const pairs train = simulate(8'000, 1), test = simulate(2'000, 2);
  auto q = make_flow<float>(ring, /*seed=*/3);
  fit(q, train.y, train.c, {.epochs = 15, .optimizer = {.learning_rate = 5e-3}});

  const auto log_p = q.log_prob(test.y, test.c);
  double mean = 0;
  for (const float v : log_p) mean += double{v} / 2'000;
  std::printf("test log-likelihood: %.3f nats\n", mean);

  // One context for many calls: its share of every first layer is computed once.
  bool right = mean > -1.6;
  for (const float radius : {1.0F, 1.5F, 2.0F}) {
    const auto at_radius = q.condition(xt::xtensor<float, 1>{radius});
    philox stream{4};
    const auto y = at_radius.sample(stream, 20'000);
    double sum = 0;
    for (std::size_t i = 0; i < 20'000; ++i) sum += std::hypot(double{y(i, 0)}, double{y(i, 1)});
    std::printf("mean radius of samples given %.1f: %.3f\n", double{radius}, sum / 20'000);
    right &= std::abs(sum / 20'000 - double{radius}) < 0.15;
  }
  return right ? 0 : 1;
}

/// \file
/// Objectives of adaptive integration: gradients against differences, values against closed forms,
/// and training that lowers the variance of an integral.

#include <bijou/bijou.hpp>
#include <bijou/training/adam.hpp>
#include <bijou/training/importance.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "../flow/check.hpp"
#include "../support/allocation_counter.hpp"

using namespace bijou;
using testing::agreed;
using testing::difference_of;

namespace {

constexpr std::size_t n = 150;
const auto plain_flow = normal<2> | maf<5>.activation(activations::tanh) | flip | affine;

template <class T> struct integrand {
  xt::xtensor<T, 2> samples;
  std::vector<T> values, log_proposal;
  integrand_batch<T> batch() const {
    return {rows_of(samples.data(), samples.shape()[0], 2), values, log_proposal};
  }
};
/// Samples of a proposal, and what f(y_0, y_1) is there.
template <class Flow, class F, class T = typename Flow::value_type>
integrand<T> integrate(const Flow& q, std::uint64_t seed, std::size_t count, const F& f) {
  philox stream(seed);
  auto [y, log_q] = q.sample_and_log_prob(stream, count);
  integrand<T> r{std::move(y), {}, {log_q.begin(), log_q.end()}};
  for (std::size_t i = 0; i < count; ++i)
    r.values.push_back(static_cast<T>(
        f(static_cast<double>(r.samples(i, 0)), static_cast<double>(r.samples(i, 1)))));
  return r;
}
/// Of both signs, and 0 in places; its scale must not matter to the gradient.
const auto oscillating = [](double a, double b) {
  return a > 1.5 ? 0.0 : 1e5 * std::exp(-0.5 * (a * a + b * b)) * std::cos(2 * a - b);
};

template <class T> auto perturbed(std::uint64_t seed) {
  auto q = make_flow<T>(plain_flow, 3);
  testing::perturb(q.parameters(), q.structure(), seed);
  return q;
}
template <class Flow, class Objective>
std::vector<double> differences(Flow& q, const Objective& objective) {
  return testing::parameter_differences(q, [&] { return value_and_grad(q, objective).value; });
}

} // namespace

TEST_CASE("forward_kl and variance_loss: gradients against differences", "[training]") {
  const auto frozen = perturbed<double>(5);
  auto q = perturbed<double>(17);
  const auto f = integrate(frozen, 2, n, oscillating);
  const auto check = [&](const auto& objective) {
    const auto g = value_and_grad(q, objective);
    const std::vector<double> exact(g.gradient.begin(), g.gradient.end());
    CHECK(difference_of(exact, differences(q, objective), 1e-7) == agreed);
    auto ws = q.make_gradient_workspace();
    aligned_vector<double> sum(exact.size(), 0);
    CHECK(testing::allocations_in([&] { objective.accumulate(q, std::span<double>(sum), ws); }) ==
          0);
    CHECK(sum == g.gradient);
  };
  check(forward_kl{f.batch()});
  check(variance_loss{f.batch()});
}

TEMPLATE_TEST_CASE("forward_kl and variance_loss: values", "[training]", float, double) {
  const auto frozen = perturbed<TestType>(5), q = perturbed<TestType>(17);
  const auto f = integrate(frozen, 2, n, oscillating);
  const auto log_q = q.log_prob(f.samples);
  double w = 0, cross = 0, second = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double l = static_cast<double>(log_q(i)), v = static_cast<double>(f.values[i]),
                 l0 = static_cast<double>(f.log_proposal[i]);
    w += std::abs(v) / std::exp(l0) / n;
    cross -= std::abs(v) / std::exp(l0) * l / n;
    second += v * v / std::exp(l + l0) / n;
  }
  const double tolerance = sizeof(TestType) == 4 ? 1e-4 : 1e-12;
  CHECK(value_and_grad(q, forward_kl{f.batch()}).value == Approx(cross / w).epsilon(tolerance));
  CHECK(value_and_grad(q, variance_loss{f.batch()}).value ==
        Approx(second / (w * w) - 1).epsilon(tolerance));
}

TEST_CASE("variance_loss: 0 at the optimum, with no gradient", "[training]") {
  const auto q = perturbed<double>(17);
  auto f = integrate(q, 2, n, [](double, double) { return 0.0; });
  // f = 7 q and, of the other sign in every other sample, -7 q.
  for (std::size_t i = 0; i < n; ++i)
    f.values[i] = (i % 2 == 0 ? 7 : -7) * std::exp(f.log_proposal[i]);
  CHECK(std::abs(value_and_grad(q, variance_loss{f.batch()}).value) < 1e-12);
  // Both gradients are that of the mean negative log-likelihood then: its expectation is 0.
  const auto mean = value_and_grad(q, f.samples).gradient;
  const std::vector<double> likelihood(mean.begin(), mean.end());
  for (const auto& g : {value_and_grad(q, variance_loss{f.batch()}).gradient,
                        value_and_grad(q, forward_kl{f.batch()}).gradient})
    CHECK(difference_of(std::vector<double>(g.begin(), g.end()), likelihood, 1e-12) == agreed);
}

TEMPLATE_TEST_CASE("training on the variance loss lowers the error of an integral", "[training]",
                   float, double) {
  using T = TestType;
  // Integral of a correlated Gaussian, 2 pi 0.5: a flow can represent it.
  const auto gaussian = [](double a, double b) {
    const double u = a - 1, v = 2 * (b + 0.8 * a);
    return std::exp(-0.5 * (u * u + v * v));
  };
  auto q = make_flow<T>(normal<2> | autoregressive<8>(affine).activation(activations::tanh), 3);
  const auto relative_variance = [&](std::uint64_t seed) {
    const auto f = integrate(q, seed, 20000, gaussian);
    double first = 0, second = 0;
    for (std::size_t i = 0; i < 20000; ++i) {
      const double w =
          static_cast<double>(f.values[i]) / std::exp(static_cast<double>(f.log_proposal[i]));
      first += w / 20000;
      second += w * w / 20000;
    }
    CHECK(first == Approx(M_PI).epsilon(5 * std::sqrt((second / first / first - 1) / 20000)));
    return second / (first * first) - 1;
  };
  const double before = relative_variance(1000);
  adam<T> optimizer(q.parameters().size(), {.learning_rate = 0.02});
  for (std::uint64_t step = 0; step < 600; ++step) {
    const auto f = integrate(q, step, 500, gaussian);
    const double rate = 1 - static_cast<double>(step) / 600;
    const auto g = step < 200 ? value_and_grad(q, forward_kl{f.batch()}).gradient
                              : value_and_grad(q, variance_loss{f.batch()}).gradient;
    optimizer.step(q.parameters(), g, rate);
  }
  CHECK(relative_variance(1001) < before / 100);
}

TEST_CASE("forward_kl and variance_loss: integrands that do not fit", "[training]") {
  const auto q = perturbed<double>(17);
  auto f = integrate(q, 2, n, oscillating);
  const auto refused = [&] {
    CHECK_THROWS_AS(value_and_grad(q, forward_kl{f.batch()}), std::invalid_argument);
    CHECK_THROWS_AS(value_and_grad(q, variance_loss{f.batch()}), std::invalid_argument);
  };
  const auto good = f;
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    f.values[3] = bad;
    refused();
    f = good;
    f.log_proposal[3] = -bad;
    refused();
    f = good;
  }
  f.values.pop_back();
  refused();
  f.values.assign(n, 0.0);
  refused();
}

TEST_CASE("forward_kl and variance_loss are infinite where q cannot reach", "[training]") {
  constexpr double inf = std::numeric_limits<double>::infinity();
  auto q = make_flow<double>(normal<2> | maf<5> | exp_map, 3);
  auto f = integrate(q, 2, n, [](double, double) { return 1.0; });
  f.samples(7, 1) = -1;
  CHECK(value_and_grad(q, forward_kl{f.batch()}).value == inf);
  CHECK(value_and_grad(q, variance_loss{f.batch()}).value == inf);
  f.values[7] = 0; // then nobody needs to
  CHECK(std::isfinite(value_and_grad(q, forward_kl{f.batch()}).value));
  CHECK(std::isfinite(value_and_grad(q, variance_loss{f.batch()}).value));
}

TEMPLATE_TEST_CASE("forward_kl and variance_loss: a sample where f is 0 is absent", "[training]",
                   float, double) {
  using T = TestType;
  constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  auto q = make_flow<T>(plain_flow | exp_map, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  const auto good = integrate(q, 2, n, [](double a, double b) { return 1 / (1 + a + b * b); });
  // Four more samples, where q has no density, or none that is a number.
  integrand<T> more{xt::xtensor<T, 2>(std::array<std::size_t, 2>{n + 4, 2}), good.values,
                    good.log_proposal};
  std::copy(good.samples.begin(), good.samples.end(), more.samples.begin());
  const T bad[] = {nan, -1, inf, T(1e30)};
  for (std::size_t i = 0; i < 4; ++i) {
    more.samples(n + i, 0) = bad[i];
    more.samples(n + i, 1) = bad[3 - i];
    more.values.push_back(0);
    more.log_proposal.push_back(static_cast<T>(i) * T(30) - T(60));
  }
  const auto check = [&](const auto& a, const auto& b, double scale, double shift) {
    const double tolerance = sizeof(T) == 4 ? 1e-4 : 1e-12;
    const auto x = value_and_grad(q, a), y = value_and_grad(q, b);
    CHECK(y.value == Approx(scale * (x.value + shift) - shift).epsilon(tolerance));
    std::vector<double> expected;
    for (const T g : x.gradient) expected.push_back(scale * static_cast<double>(g));
    CHECK(difference_of(std::vector<T>(y.gradient.begin(), y.gradient.end()), expected,
                        tolerance) == agreed);
  };
  // Means over n + 4 samples: of the squared weights in units of their squared mean.
  check(forward_kl{good.batch()}, forward_kl{more.batch()}, 1, 0);
  check(variance_loss{good.batch()}, variance_loss{more.batch()},
        static_cast<double>(n + 4) / static_cast<double>(n), 1);
}

TEMPLATE_TEST_CASE("forward_kl and variance_loss: weights of any size", "[training]", float,
                   double) {
  // log q0 puts weights far outside T; their ratios are those of before.
  using T = TestType;
  const auto q = perturbed<T>(17);
  const auto f = integrate(perturbed<T>(5), 2, n, oscillating);
  const auto kl = value_and_grad(q, forward_kl{f.batch()});
  for (const T shift : {T(-120), T(120)}) {
    auto moved = f;
    for (T& l : moved.log_proposal) l += shift;
    const auto g = value_and_grad(q, forward_kl{moved.batch()});
    CHECK(g.value == Approx(kl.value).epsilon(sizeof(T) == 4 ? 1e-4 : 1e-11));
    // The second moment has one q0 more: it moves by exp(shift), beyond float.
    const auto second = value_and_grad(q, variance_loss{moved.batch()});
    const auto plain = value_and_grad(q, variance_loss{f.batch()});
    const double moved_moment = (plain.value + 1) * std::exp(static_cast<double>(shift));
    CHECK(second.value == Approx(moved_moment - 1).epsilon(sizeof(T) == 4 ? 1e-4 : 1e-11));
    if (shift < 0 || sizeof(T) == 8)
      for (const T v : second.gradient) CHECK(std::isfinite(v));
  }
}

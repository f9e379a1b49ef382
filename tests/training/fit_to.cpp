/// \file
/// fit_to: targets are reached, whatever the number of threads; what is not finite stops it.

#include <bijou/bijou.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "../catch.hpp"
#include "../support/allocation_counter.hpp"
#include "../support/values_of.hpp"

using namespace bijou;
using Catch::Matchers::Contains;
using testing::values_of;

namespace {

/// A correlated Gaussian times 7: log Z = log(2 pi) + log(0.5) + log 7.
constexpr auto gaussian = [](const auto& x) {
  const auto u = x[0] - 1.0, v = 2.0 * (x[1] + 0.8 * x[0]);
  return std::log(7.0) - 0.5 * (u * u + v * v);
};
const double log_z = std::log(2 * M_PI * 0.5 * 7);

} // namespace

TEMPLATE_TEST_CASE("fit_to reaches log Z of a Gaussian", "[training]", float, double) {
  // x_1 depends on x_0 linearly: one autoregressive layer can represent it.
  const fit_to_options options{.epochs = 40,
                               .batch_size = 128,
                               .optimizer = {.learning_rate = 0.03},
                               .schedule = schedules::cosine{.end = 1e-4}};
  const auto check = [&](const auto& target) {
    auto q =
        make_flow<TestType>(normal<2> | autoregressive<8>(affine).activation(activations::tanh), 3);
    fit_to(q, target, options);
    philox stream{77};
    const auto [z, log_q] = q.sample_and_log_prob(stream, 20000);
    double elbo_value = 0;
    for (std::size_t i = 0; i < 20000; ++i) {
      const std::array<double, 2> x{static_cast<double>(z(i, 0)), static_cast<double>(z(i, 1))};
      elbo_value += (gaussian(x) - static_cast<double>(log_q(i))) / 20000;
    }
    CHECK(std::abs(elbo_value - log_z) < 1e-3);
  };
  check(path_only(gaussian));
}

TEMPLATE_TEST_CASE("fit_to gives the same bits for the same seed, whatever the threads",
                   "[training]", float, double) {
  const auto run = [&](std::uint64_t seed, int threads) {
    auto q = make_flow<TestType>(normal<2> | iaf<8>, 3);
    const auto r = fit_to(
        q, gaussian,
        {.epochs = 2, .steps_per_epoch = 5, .batch_size = 700, .seed = seed, .threads = threads});
    return std::pair{values_of(q), r.history.back().training};
  };
  const auto one = run(5, 1);
  CHECK(run(6, 1).first != one.first);
  for (const int threads : {1, 2, 3, 7}) CHECK(run(5, threads) == one);
}

TEMPLATE_TEST_CASE("fit_to: all shares of a batch draw samples of their own", "[training]", float,
                   double) {
  // 700 samples are five shares: the first loss is that of samples 0 to 699 of the seed.
  const auto fresh = make_flow<TestType>(normal<2> | iaf<8>, 3);
  const auto expected = value_and_grad(fresh, elbo(gaussian, {.samples = 700, .noise = philox{5}}));
  for (const int threads : {1, 2}) {
    auto q = fresh;
    const auto r = fit_to(
        q, gaussian,
        {.epochs = 1, .steps_per_epoch = 1, .batch_size = 700, .seed = 5, .threads = threads});
    CHECK(r.history[0].training == Approx(expected.value).epsilon(1e-12));
    CHECK(r.history[0].gradient_norm ==
          Approx(gradient_norm(std::span<const TestType>(expected.gradient)))
              .epsilon(sizeof(TestType) == 4 ? 1e-5 : 1e-12));
  }
}

TEMPLATE_TEST_CASE("fit_to: no step after the first epoch allocates", "[training]", float, double) {
  for (const int threads : {1, 2}) {
    auto q = make_flow<TestType>(normal<2> | iaf<8>, 3);
    std::vector<std::size_t> allocations;
    allocations.reserve(10);
    fit_to(q, path_only(gaussian),
           {.epochs = 4, .steps_per_epoch = 3, .threads = threads, .callback = [&](const auto&) {
              allocations.push_back(testing::heap_calls_so_far().allocations);
              return true;
            }});
    REQUIRE(allocations.size() == 4);
    for (std::size_t e = 1; e < 4; ++e) CHECK(allocations[e] == allocations[0]);
  }
}

TEST_CASE("fit_to learns how a posterior depends on its context", "[training]") {
  // p(z | c) = N(c_0 - 2 c_1, 0.5^2), not normalised: log Z = log(0.5 sqrt(2 pi)) for every c.
  const auto target = [](const auto& z, const auto& c) {
    const auto u = 2.0 * (z[0] - c[0] + 2.0 * c[1]);
    return -0.5 * u * u;
  };
  xt::xtensor<double, 2> c(std::array<std::size_t, 2>{1000, 2});
  philox noise{2};
  for (std::size_t i = 0; i < 1000; ++i) normal_t<2>::fill(noise, i, &c(i, 0));
  const auto run = [&](int threads) {
    auto q = make_flow<double>(normal<1> | given<2> | autoregressive<16>(affine), 3);
    const auto r = fit_to(q, target, c,
                          {.epochs = 20,
                           .batch_size = 300,
                           .optimizer = {.learning_rate = 0.02},
                           .schedule = schedules::cosine{},
                           .threads = threads});
    return std::pair{r.history.back().training, values_of(q)};
  };
  const auto one = run(1);
  CHECK(one.first == Approx(-std::log(0.5 * std::sqrt(2 * M_PI))).margin(0.05));
  CHECK(run(2) == one);
}

TEST_CASE("fit_to follows both schedules, and its callback stops it", "[training]") {
  auto q = make_flow<float>(normal<2> | iaf<8>, 3);
  std::vector<std::int64_t> seen;
  const auto r =
      fit_to(q, gaussian,
             {.epochs = 9,
              .steps_per_epoch = 2,
              .schedule = [](std::int64_t step, std::int64_t) { return static_cast<double>(step); },
              .annealing =
                  [&](std::int64_t step, std::int64_t total) {
                    CHECK(total == 18);
                    seen.push_back(step);
                    return 0.1;
                  },
              .callback = [](const fit_epoch& e) { return e.epoch < 2; }});
  CHECK(r.reason == stop_reason::callback);
  CHECK(r.history.size() == 2);
  CHECK(r.history[1].learning_rate == Approx(3e-3));
  CHECK(seen == std::vector<std::int64_t>{0, 1, 2, 3});
}

TEST_CASE("fit_to says that its schedule was cut short", "[training]") {
  const auto run = [](int last) {
    auto q = make_flow<float>(normal<2> | iaf<8>, 3);
    return fit_to(q, gaussian,
                  {.epochs = 10,
                   .steps_per_epoch = 2,
                   .schedule = schedules::cosine{},
                   .callback = [&](const fit_epoch& e) { return e.epoch < last; }});
  };
  const auto r = run(3);
  REQUIRE(r.remarks.size() == 1);
  CHECK_THAT(r.remarks[0], Contains("after epoch 3 of 10") && Contains("factor was 0.79") &&
                               Contains("fallen to 0."));
  CHECK(run(11).remarks.empty());
}

TEST_CASE("fit_to: a target that is not finite stops it, and the flow stays", "[training]") {
  constexpr double inf = std::numeric_limits<double>::infinity();
  const auto box = [](const auto& x) { // -inf where x_0 < 0
    using X = std::remove_cvref_t<decltype(x[0])>;
    return select(x[0] < X(0), X(-inf), -1.0 * x[0] - x[1] * x[1]);
  };
  const auto mistake = [](const auto& x) {
    using math::log;
    return log(x[0]);
  };
  auto q = make_flow<double>(normal<2> | iaf<8>, 3);
  const auto before = values_of(q);
  for (const double annealing : {1.0, 0.0}) {
    const fit_to_options options{.annealing = [=](auto, auto) { return annealing; }};
    CHECK_THROWS_AS(fit_to(q, box, options), training_error);
    CHECK_THROWS_WITH(fit_to(q, mistake, options),
                      Contains("epoch 1, step 1") && Contains("nan at (-"));
    CHECK(values_of(q) == before);
  }
  CHECK_THROWS_WITH(fit_to(q, box), Contains("the loss became inf: log q - log p of sample"));
  // Late: parameters of the latest epoch known to be good.
  std::vector<double> good;
  const fit_to_options late{
      .epochs = 10, .steps_per_epoch = 4, .annealing = [&](std::int64_t step, std::int64_t) {
        if (step == 8) good = values_of(q);
        return step < 10 ? 1.0 : inf;
      }};
  CHECK_THROWS_AS(fit_to(q, gaussian, late), training_error);
  CHECK(values_of(q) == good);
}

TEST_CASE("fit_to: options that do not fit", "[training]") {
  auto q = make_flow<double>(normal<2> | iaf<8>, 3);
  CHECK_THROWS_WITH(fit_to(q, gaussian, {.batch_size = 0}),
                    "fit_to: expected batch_size >= 1, got 0");
  CHECK_THROWS_AS(fit_to(q, gaussian, {.steps_per_epoch = 0}), std::invalid_argument);
  CHECK_THROWS_WITH(fit_to(q, gaussian, {.epochs = -3}), Contains("epochs >= 0") && Contains("-3"));
  const auto nan = [](std::int64_t step, std::int64_t) { return step < 2 ? 1.0 : std::nan(""); };
  CHECK_THROWS_WITH(fit_to(q, gaussian, {.schedule = nan}),
                    Contains("fit_to: expected a schedule of finite factors, got nan in step 3"));
  CHECK_THROWS_AS(fit_to(q, gaussian, {.threads = 0}), std::invalid_argument);
}

TEMPLATE_TEST_CASE("fit_to: the shares of a step are one batch of samples", "[training]", float,
                   double) {
  // At a rate of 0 the flow stays what it is: its samples, their numbers and the gradient are those
  // of sample_from and of elbo.
  using T = TestType;
  using P = simd::pack<T>;
  constexpr std::size_t n = 640, steps = 2; // five shares
  auto q = make_flow<T>(normal<2> | iaf<8>, 3);
  std::vector<T> seen(2 * n);
  std::vector<int> calls(n);
  const auto target = [&](const auto& x, sample_numbers numbers) {
    alignas(64) std::array<T, static_cast<std::size_t>(P::size)> lanes;
    for (std::size_t d = 0; d < 2; ++d) {
      x[d].value.store(lanes.data());
      for (std::size_t i = 0; i < static_cast<std::size_t>(numbers.count); ++i)
        seen[2 * (numbers.first + i) + d] = lanes[i];
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(numbers.count); ++i)
      ++calls[numbers.first + i];
    return gaussian(x);
  };
  const auto r = fit_to(q, target,
                        {.epochs = steps,
                         .steps_per_epoch = 1,
                         .batch_size = n,
                         .optimizer = {.learning_rate = 0},
                         .seed = 9});
  CHECK(std::all_of(calls.begin(), calls.end(), [&](int c) { return c == calls[0]; }));
  philox stream(9);
  for (std::size_t step = 0; step < steps; ++step) {
    philox noise = stream;
    const auto g = value_and_grad(q, elbo(gaussian, {.samples = n, .noise = noise}));
    const double exact = sizeof(T) == 4 ? 1e-4 : 1e-10;
    CHECK(r.history[step].training == Approx(g.value).epsilon(exact));
    CHECK(r.history[step].gradient_norm ==
          Approx(gradient_norm(std::span<const T>(g.gradient))).epsilon(exact));
    const auto z = q.sample(stream, n);
    if (step + 1 == steps) CHECK(std::equal(seen.begin(), seen.end(), z.begin()));
  }
}

TEST_CASE("fit_to takes every context once in a pass, in another order each time", "[training]") {
  constexpr std::size_t n = 64;
  xt::xtensor<double, 2> context(std::array<std::size_t, 2>{n, 1});
  for (std::size_t i = 0; i < n; ++i) context(i, 0) = 0.01 * static_cast<double>(i);
  std::vector<double> seen(n);
  std::vector<std::vector<double>> passes;
  const auto target = [&](const auto& x, const auto& c, sample_numbers numbers) {
    for (int i = 0; i < numbers.count; ++i)
      seen[numbers.first + static_cast<std::size_t>(i)] = c[0][i];
    return -0.5 * x[0] * x[0];
  };
  auto q = make_flow<double>(normal<1> | given<1> | iaf<4>, 3);
  fit_to(q, target, context,
         {.epochs = 3, .steps_per_epoch = 1, .batch_size = n, .callback = [&](const fit_epoch&) {
            passes.push_back(seen);
            return true;
          }});
  REQUIRE(passes.size() == 3);
  for (const auto& pass : passes) {
    CHECK_FALSE(std::equal(pass.begin(), pass.end(), context.begin()));
    auto sorted = pass;
    std::sort(sorted.begin(), sorted.end());
    CHECK(std::equal(sorted.begin(), sorted.end(), context.begin()));
  }
  CHECK(passes[0] != passes[1]);
  CHECK(passes[1] != passes[2]);
}

TEST_CASE("fit_to names the sample where the target is 0", "[training]") {
  auto q = make_flow<double>(normal<1> | iaf<4>, 3);
  philox stream(4);
  const auto z = q.sample(stream, 100);
  const double largest = *std::max_element(z.begin(), z.end());
  const auto at = static_cast<std::size_t>(std::max_element(z.begin(), z.end()) - z.begin());
  REQUIRE(at > 0);
  const auto target = [&](const auto& x) {
    using D = std::remove_cvref_t<decltype(x[0])>;
    return select(x[0].value < decltype(x[0].value)(largest - 1e-9), D(-0.5) * x[0] * x[0],
                  D(-std::numeric_limits<double>::infinity()));
  };
  CHECK_THROWS_WITH(
      fit_to(q, target, {.epochs = 1, .steps_per_epoch = 1, .batch_size = 100, .seed = 4}),
      Contains("of sample " + std::to_string(at) + " is inf at (" + std::to_string(largest) + ")"));
}

/// \file
/// scalar_target: the value and gradient of the same target written for packs, in float and double;
/// copies of its own for each thread; functions without a gradient, with a context, and made.

#include <bijou/bijou.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include "../flow/check.hpp"

using namespace bijou;
using testing::agreed;
using testing::difference_of;

namespace {

using in = std::span<const double>;
using out = std::span<double>;

constexpr auto guide = normal<3> | iaf<5> | flip | iaf<5>;
constexpr auto guide_of_context = normal<3> | given<2> | iaf<5>;

/// Heavy tails and a correlation.
constexpr auto formula = [](const auto& x) {
  using math::log1p;
  const auto u = x[0] - 0.5 * x[1];
  return -1.0 * log1p(u * u) - 0.7 * x[1] * x[1] - 0.5 * x[2] * x[2];
};
double value(in x) {
  const double u = x[0] - 0.5 * x[1];
  return -std::log1p(u * u) - 0.7 * x[1] * x[1] - 0.5 * x[2] * x[2];
}
double value_and_gradient(in x, out gradient) {
  const double u = x[0] - 0.5 * x[1], slope = -2 * u / (1 + u * u);
  gradient[0] = slope;
  gradient[1] = -0.5 * slope - 1.4 * x[1];
  gradient[2] = -x[2];
  return value(x);
}

constexpr auto formula_of_context = [](const auto& x, const auto& c) {
  const auto u = x[0] - c[0], v = x[1] - 2.0 * c[1];
  return -0.5 * (u * u + v * v + x[2] * x[2]);
};
double value_of_context(in x, in c) {
  const double u = x[0] - c[0], v = x[1] - 2 * c[1];
  return -0.5 * (u * u + v * v + x[2] * x[2]);
}

template <class T, class E> auto perturbed(const E& e) {
  auto q = make_flow<T>(e, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  return q;
}
template <class T> std::vector<T> list(const aligned_vector<T>& v) { return {v.begin(), v.end()}; }

} // namespace

TEMPLATE_TEST_CASE("scalar_target: the value and gradient of the target for packs", "[training]",
                   float, double) {
  const auto q = perturbed<TestType>(guide);
  const double rounding = sizeof(TestType) == 4 ? 1e-5 : 1e-13;
  for (const std::size_t n : {1U, 133U}) { // one event; tiles, the last of them partial
    const elbo_options options{.samples = n, .noise = philox{4}};
    const auto expected = value_and_grad(q, elbo(formula, options));
    const auto check = [&](const auto& target, double tolerance) {
      const auto g = value_and_grad(q, elbo(target, options));
      CHECK(g.value == Approx(expected.value).epsilon(rounding));
      CHECK(difference_of(list(g.gradient), list(expected.gradient), tolerance) == agreed);
    };
    check(scalar_target(value_and_gradient), rounding);
    check(scalar_target(value), std::max(rounding, 1e-8));
    check(scalar_target([](auto x, auto gradient) { return value_and_gradient(x, gradient); }),
          rounding);
    check(scalar_target(std::function<double(in, out)>(value_and_gradient)), rounding);
    check(path_only(scalar_target(value_and_gradient)), 10); // another estimator: it compiles
  }
}

TEMPLATE_TEST_CASE("scalar_target: with contexts", "[training]", float, double) {
  const auto q = perturbed<TestType>(guide_of_context);
  const auto c = testing::normal_values<TestType>(2 * 75, 8);
  const auto rows = rows_of<const TestType>(c.data(), 75, 2);
  const auto expected = value_and_grad(q, elbo(formula_of_context, {}, rows));
  const double rounding = sizeof(TestType) == 4 ? 1e-5 : 1e-13;
  const auto check = [&](const auto& target, double tolerance) {
    const auto g = value_and_grad(q, elbo(target, {}, rows));
    CHECK(g.value == Approx(expected.value).epsilon(rounding));
    CHECK(difference_of(list(g.gradient), list(expected.gradient), tolerance) == agreed);
  };
  check(scalar_target(value_of_context), std::max(rounding, 1e-8));
  check(scalar_target([](in x, in context, out gradient) {
          gradient[0] = context[0] - x[0];
          gradient[1] = 2 * context[1] - x[1];
          gradient[2] = -x[2];
          return value_of_context(x, context);
        }),
        rounding);
  // Contexts that a function does not ask for.
  const auto plain = value_and_grad(q, elbo(formula, {}, rows));
  const auto g = value_and_grad(q, elbo(scalar_target(value_and_gradient), {}, rows));
  CHECK(g.value == Approx(plain.value).epsilon(rounding));
}

TEST_CASE("scalar_target: each thread has a function of its own", "[training]") {
  // A simulator with memory, that notices two callers at once.
  struct simulator {
    std::shared_ptr<std::atomic<int>> made;
    std::vector<double> memory = std::vector<double>(3);
    std::atomic<bool> busy{false};
    explicit simulator(std::shared_ptr<std::atomic<int>> count) : made(std::move(count)) {}
    simulator(const simulator& from) : made(from.made) { ++*made; }
    double operator()(in x, out gradient) {
      if (busy.exchange(true)) throw std::logic_error("two callers at once");
      std::copy(x.begin(), x.end(), memory.begin());
      const double result = value_and_gradient(memory, gradient);
      busy = false;
      return result;
    }
  };
  const auto run = [](const auto& target, int threads) {
    auto q = make_flow<double>(guide, 3);
    fit_to(q, target, {.epochs = 2, .steps_per_epoch = 5, .batch_size = 1000, .threads = threads});
    return std::vector<double>(q.parameters().begin(), q.parameters().end());
  };
  const auto expected = run(scalar_target(value_and_gradient), 1);
  for (const int threads : {1, 4}) {
    const auto count = std::make_shared<std::atomic<int>>(0);
    const auto target = scalar_target(simulator(count));
    const int before = *count;
    CHECK(run(target, threads) == expected);
    CHECK(*count - before >= 1);
    CHECK(*count - before <= threads);
    run(target, threads);
    CHECK(*count - before <= threads); // they are kept
  }
  // One that cannot be copied is made.
  std::atomic<int> made = 0;
  const auto make = [&made] {
    ++made;
    return [memory = std::make_unique<std::array<double, 3>>()](in x, out gradient) {
      std::copy(x.begin(), x.end(), memory->begin());
      return value_and_gradient(*memory, gradient);
    };
  };
  const auto target = scalar_target(make);
  CHECK(made == 0);
  CHECK(run(target, 3) == expected);
  CHECK(made >= 1);
  CHECK(made <= 3);
}

TEST_CASE("scalar_target: what it throws, and what is not finite, ends the run", "[training]") {
  auto q = make_flow<float>(guide, 3);
  const std::vector<float> before(q.parameters().begin(), q.parameters().end());
  const auto throwing = [](in) -> double { throw std::out_of_range("no such model"); };
  const auto careless = [](in x, out) { return value(x); }; // forgets the gradient
  const auto target = scalar_target(throwing);
  for (const int threads : {1, 2}) {
    CHECK_THROWS_WITH(fit_to(q, target, {.batch_size = 600, .threads = threads}), "no such model");
    CHECK_THROWS_AS(fit_to(q, scalar_target(careless), {.threads = threads}), training_error);
  }
  CHECK(std::equal(before.begin(), before.end(), q.parameters().begin()));

  // Half a line: at its edge differences are taken on the side where there is a density.
  auto half = make_flow<double>(normal<1> | affine | exp_map, 3);
  const auto exponential = [](in x) {
    return x[0] > 0 ? -x[0] : -std::numeric_limits<double>::infinity();
  };
  const auto by_formula = [](const auto& x) { return -1.0 * x[0]; };
  half.parameters()[0] = -14; // samples of e^-14, below the step of the differences
  const auto a = value_and_grad(half, elbo(scalar_target(exponential)));
  const auto b = value_and_grad(half, elbo(by_formula));
  CHECK(a.value == Approx(b.value).epsilon(1e-12));
  CHECK(difference_of(list(a.gradient), list(b.gradient), 1e-8) == agreed);
}

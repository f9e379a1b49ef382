/// \file
/// The ELBO: gradients against differences with fixed noise, both estimators, targets of all forms.

#include <bijou/training/elbo.hpp>

#include <cmath>
#include <limits>

#include "../flow/check.hpp"
#include "../support/allocation_counter.hpp"

using namespace bijou;
using testing::agreed;
using testing::difference_of;
using testing::worse;

namespace {

constexpr auto plain_flow =
    normal<3> | maf<5>.activation(activations::tanh) | flip | iaf<5>.activation(activations::tanh);
constexpr auto conditional_flow = normal<3> | given<2> | iaf<5>.activation(activations::tanh);

/// Smooth, correlated, heavy tails; of the context too where there is one.
constexpr auto formula = [](const auto& x) {
  using math::log1p;
  const auto u = x[0] - 0.5 * x[1], v = x[1] + 0.3 * x[2];
  return -1.0 * log1p(u * u) - 0.7 * v * v - 0.5 * x[2] * x[2];
};
constexpr auto contextual = [](const auto& x, const auto& c) {
  const auto u = x[0] - c[0], v = x[1] - 2.0 * c[1];
  return -0.5 * (u * u + v * v + x[2] * x[2]);
};

/// A Gaussian with a mean of its own and a gradient by hand, not normalised.
struct gaussian {
  std::array<double, 3> mean{0.5, -1.0, 2.0};
  template <class P> P value_and_grad(const std::array<P, 3>& x, std::array<P, 3>& g) const {
    using T = typename P::value_type;
    P sum(T(0));
    for (std::size_t d = 0; d < 3; ++d) {
      g[d] = P(static_cast<T>(mean[d])) - x[d];
      sum = fma(g[d], g[d], sum);
    }
    return P(T(-0.5)) * sum;
  }
};

template <class T, class E> auto perturbed(const E& e) {
  auto q = make_flow<T>(e, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  return q;
}
template <class T> std::vector<T> list(const aligned_vector<T>& v) { return {v.begin(), v.end()}; }

/// Differences of an objective's value by every parameter that a connection owns.
template <class Flow, class Objective>
std::vector<double> differences(Flow& q, const Objective& objective) {
  return testing::parameter_differences(q, [&] { return value_and_grad(q, objective).value; });
}

} // namespace

TEST_CASE("elbo: gradient against differences with fixed noise", "[training]") {
  auto q = perturbed<double>(plain_flow);
  for (const double annealing : {1.0, 0.3, 0.0}) {
    const elbo_options options{.samples = 133, .annealing = annealing, .noise = philox{4}};
    const auto loss = elbo(formula, options);
    const auto g = value_and_grad(q, loss);
    CHECK(difference_of(list(g.gradient), differences(q, loss), 1e-8) == agreed);
    // The value is the mean over the same samples.
    philox stream{4};
    const auto [z, log_q] = q.sample_and_log_prob(stream, 133);
    double sum = 0;
    for (std::size_t i = 0; i < 133; ++i)
      sum += log_q(i) - annealing * formula(std::array{z(i, 0), z(i, 1), z(i, 2)});
    CHECK(g.value == Approx(sum / 133).epsilon(1e-12));
  }
}

TEST_CASE("elbo: amortised, against differences", "[training]") {
  auto q = perturbed<double>(conditional_flow);
  const auto c = testing::normal_values<double>(2 * 75, 8);
  const auto loss = elbo(contextual, {.noise = philox{4}}, rows_of<const double>(c.data(), 75, 2));
  const auto g = value_and_grad(q, loss);
  CHECK(difference_of(list(g.gradient), differences(q, loss), 1e-8) == agreed);
  // By columns, and with a target that asks for samples' numbers to find data of its own.
  const auto by_number = [&c](const auto& x, const auto&, sample_numbers n) {
    using P = simd::pack<double>;
    std::array<P, 2> own;
    for (std::size_t k = 0; k < 2; ++k) {
      alignas(64) std::array<double, static_cast<std::size_t>(P::size)> lanes{};
      for (std::size_t i = 0; i < static_cast<std::size_t>(n.count); ++i)
        lanes[i] = c[2 * (n.first + i) + k];
      own[k] = P::load(lanes.data());
    }
    return contextual(x, own);
  };
  std::vector<double> columns(c.size());
  for (std::size_t i = 0; i < c.size(); ++i) columns[i % 2 * 75 + i / 2] = c[i];
  const auto same = value_and_grad(q, elbo(by_number, {.noise = philox{4}},
                                           batch_view<const double>{columns.data(), 75, 1, 75}));
  CHECK(same.value == g.value);
  CHECK(same.gradient == g.gradient);
}

TEMPLATE_TEST_CASE("elbo: gradients by hand and by duals agree", "[training]", float, double) {
  const auto q = perturbed<TestType>(plain_flow);
  const gaussian by_hand;
  const auto by_duals = [&by_hand](const auto& x) {
    auto sum = 0.0 * x[0];
    for (std::size_t d = 0; d < 3; ++d) {
      const auto u = by_hand.mean[d] - x[d];
      sum += u * u;
    }
    return -0.5 * sum;
  };
  const elbo_options options{.samples = 200};
  const auto a = value_and_grad(q, elbo(by_hand, options));
  const auto b = value_and_grad(q, elbo(by_duals, options));
  const double tolerance = sizeof(TestType) == 4 ? 1e-5 : 1e-13;
  CHECK(a.value == Approx(b.value).epsilon(tolerance));
  CHECK(difference_of(list(a.gradient), list(b.gradient), tolerance) == agreed);
}

TEST_CASE("elbo: float computes what double computes", "[training]") {
  auto q = perturbed<float>(plain_flow);
  auto oracle = make_flow<double>(plain_flow, 3);
  const std::vector<double> wide(q.parameters().begin(), q.parameters().end());
  oracle.set_parameters(wide);
  // The two types draw other noise: expectations agree.
  const auto a = value_and_grad(q, elbo(formula, {.samples = 1000000}));
  const auto b = value_and_grad(oracle, elbo(formula, {.samples = 1000000, .noise = philox{9}}));
  CHECK(a.value == Approx(b.value).margin(0.02));
}

TEST_CASE("path_only: the full gradient without the score of fixed samples", "[training]") {
  const std::size_t n = 133;
  const auto check = [&](const auto& q, const auto& full, const auto& path, const auto& z,
                         auto... context) {
    const auto a = value_and_grad(q, full), b = value_and_grad(q, path);
    const auto score = value_and_grad(q, z, context...); // of -log q, a mean too
    std::vector<double> expected = list(a.gradient);
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += score.gradient[i];
    CHECK(b.value == a.value);
    CHECK(difference_of(list(b.gradient), expected, 1e-12) == agreed);
    CHECK(difference_of(list(a.gradient), expected, 1e-3) != agreed);
  };
  const elbo_options options{.samples = n, .annealing = 0.7, .noise = philox{4}};
  philox stream{4};
  const auto q = perturbed<double>(plain_flow);
  check(q, elbo(formula, options), elbo(path_only(formula), options), q.sample(stream, n));
  const auto r = perturbed<double>(conditional_flow);
  const auto values = testing::normal_values<double>(2 * n, 8);
  xt::xtensor<double, 2> c(std::array<std::size_t, 2>{n, 2});
  std::copy(values.begin(), values.end(), c.begin());
  stream = philox{4};
  const auto rows = rows_of<const double>(values.data(), n, 2);
  check(r, elbo(contextual, options, rows), elbo(path_only(contextual), options, rows),
        r.sample(stream, n, c), c);
}

TEST_CASE("path_only and full gradients agree in expectation", "[training]") {
  const auto q = perturbed<double>(normal<3> | iaf<4>);
  const std::size_t parameters = q.parameters().size(), runs = 200;
  std::vector<double> mean(parameters, 0), square(parameters, 0);
  for (std::size_t r = 0; r < runs; ++r) {
    const elbo_options options{.samples = 500, .noise = philox(r + 1)};
    const auto a = value_and_grad(q, elbo(formula, options));
    const auto b = value_and_grad(q, elbo(path_only(formula), options));
    for (std::size_t i = 0; i < parameters; ++i) {
      const double d = a.gradient[i] - b.gradient[i];
      mean[i] += d / runs;
      square[i] += d * d / runs;
    }
  }
  for (std::size_t i = 0; i < parameters; ++i) // within 5 standard errors of 0
    CHECK(std::abs(mean[i]) <= 5 * std::sqrt(square[i] / runs) + 1e-14);
}

TEMPLATE_TEST_CASE("path_only: no variance at the optimum", "[training]", float, double) {
  // The target is the flow's own density, a Gaussian of its mean and scale, not normalised.
  auto q = make_flow<TestType>(normal<3> | affine, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  const auto noise = xt::xtensor<TestType, 2>{{0, 0, 0}, {1, 1, 1}};
  const auto y = q.forward(noise).y;
  const auto own = [&y](const auto& x) {
    auto sum = 0.0 * x[0];
    for (std::size_t d = 0; d < 3; ++d) {
      const auto u = (x[d] - y(0, d)) / (y(1, d) - y(0, d));
      sum -= 0.5 * u * u;
    }
    return sum;
  };
  const double small = sizeof(TestType) == 4 ? 2e-5 : 1e-13;
  double largest_full = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const elbo_options options{.samples = 10, .noise = philox(seed)};
    for (const TestType g : value_and_grad(q, elbo(path_only(own), options)).gradient)
      CHECK(std::abs(static_cast<double>(g)) < small);
    for (const TestType g : value_and_grad(q, elbo(own, options)).gradient)
      largest_full = worse(largest_full, std::abs(static_cast<double>(g)));
  }
  CHECK(largest_full > 0.1);
}

TEST_CASE("elbo: a stream moves on, and its parts make up the whole", "[training]") {
  const auto q = perturbed<double>(plain_flow);
  auto ws = q.make_gradient_workspace();
  aligned_vector<double> parts(q.parameters().size(), 0);
  philox stream{4};
  const auto half = elbo(formula, {.samples = 150});
  double value = half.accumulate(q, stream, std::span<double>(parts), ws);
  CHECK(stream.position() == 150);
  value += half.accumulate(q, stream, std::span<double>(parts), ws);
  for (double& g : parts) g /= 2;
  const auto whole = value_and_grad(q, elbo(formula, {.samples = 300, .noise = philox{4}}));
  CHECK(value / 2 == Approx(whole.value).epsilon(1e-13));
  CHECK(difference_of(list(parts), list(whole.gradient), 1e-13) == agreed);
  CHECK(testing::allocations_in(
            [&] { half.accumulate(q, stream, std::span<double>(parts), ws); }) == 0);
}

TEST_CASE("elbo: what a target is not finite for shows in the value", "[training]") {
  const auto q = perturbed<double>(plain_flow);
  constexpr double inf = std::numeric_limits<double>::infinity();
  const auto box = [](const auto& x) { // -inf where x_0 < 0
    using X = std::remove_cvref_t<decltype(x[0])>;
    return select(x[0] < X(0), X(-inf), -1.0 * x[0]);
  };
  CHECK(value_and_grad(q, elbo(box)).value == inf);
  const auto wrong = [](const auto& x) {
    using math::log;
    return log(x[0]);
  };
  CHECK(std::isnan(value_and_grad(q, elbo(wrong)).value));
  CHECK_THROWS_WITH(value_and_grad(q, elbo(formula, {.samples = 0})),
                    "elbo: expected samples >= 1, got 0");
}

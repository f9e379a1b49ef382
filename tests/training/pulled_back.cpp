/// \file
/// pulled_back(q, target): its value is the sum of the target's and the log-determinant, its
/// gradient that of central differences of this sum.

#include <bijou/bijou.hpp>

#include <array>
#include <cmath>
#include <span>
#include <vector>

#include "../catch.hpp"
#include "../support/allocation_counter.hpp"
#include "../support/numerics.hpp"
#include "../support/random_parameters.hpp"

using namespace bijou;

namespace {

constexpr std::size_t n = 150;
constexpr auto words = iaf<7> | flip | inverse(iaf<7>) | on<1>(exp_map);

template <class T, class E> auto perturbed(const E& e) {
  auto q = make_flow<T>(e, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  return q;
}

/// No density, but it tells its variables apart.
const auto target = [](const auto& y) {
  using math::log1p;
  return -log1p(y[0] * y[0]) - y[1] * y[2] - 0.5 * y[2] * y[2];
};
double target_at(std::span<const double> y) {
  return -std::log1p(y[0] * y[0]) - y[1] * y[2] - 0.5 * y[2] * y[2];
}
/// The same with the context's share.
const auto conditional_target = [](const auto& y, const auto& c) {
  return target(y) + c[0] * y[0] - c[1] * y[2];
};

/// Value and gradient of one z by the calls of the flow and differences; c is nothing or a context.
template <class Flow, class... C>
std::array<double, 4> by_differences(const Flow& q, const double* z, const C&... c) {
  std::vector<double> at(z, z + 3);
  const auto value = [&] {
    const auto [y, log_det] = q.forward(std::span<const double, 3>(at.data(), 3), c...);
    double shared = 0;
    if constexpr (sizeof...(C) > 0) ((shared = c[0] * y[0] - c[1] * y[2]), ...);
    return target_at(y) + shared + log_det;
  };
  const auto g = testing::numerical_gradient<double>(value, std::span<double>(at), {.step = 1e-5});
  return {value(), g[0], g[1], g[2]};
}

} // namespace

TEST_CASE("the pulled-back density and its gradient", "[training]") {
  const auto q = perturbed<double>(normal<3> | words);
  const auto density = pulled_back(q, target);
  const auto z = testing::normal_values<double>(3 * n, 3);
  auto ws = density.make_workspace();
  std::vector<double> gradient(3 * n), value(n);
  CHECK(testing::allocations_in([&] {
          density.value_and_grad(rows_of(z.data(), n, 3), rows_of(gradient.data(), n, 3), value,
                                 ws);
        }) == 0);
  for (std::size_t i = 0; i < n; ++i) {
    CAPTURE(i);
    const auto expected = by_differences(q, z.data() + 3 * i);
    const double* g = gradient.data() + 3 * i;
    REQUIRE(testing::near(value[i], expected[0], 1e-12 * (1 + std::abs(expected[0]))));
    for (std::size_t d = 0; d < 3; ++d)
      REQUIRE(testing::near(g[d], expected[d + 1], 1e-7 * (1 + std::abs(expected[d + 1]))));
    // One by one: the same bits.
    std::array<double, 3> one{};
    double log_p = 0;
    CHECK(testing::allocations_in([&] {
            log_p =
                density.value_and_grad(std::span<const double, 3>(z.data() + 3 * i, 3), one, ws);
          }) == 0);
    CHECK(log_p == value[i]);
    CHECK(one == std::array<double, 3>{g[0], g[1], g[2]});
  }
  const auto [values, gradients] = density.value_and_grad(rows_of(z.data(), n, 3));
  CHECK(std::ranges::equal(values, value));
  CHECK(std::ranges::equal(gradients, gradient));
  auto small = q.make_workspace();
  CHECK_THROWS_AS(density.value_and_grad(rows_of(z.data(), n, 3), small), std::invalid_argument);
}

TEST_CASE("the pulled-back density under a context", "[training]") {
  const auto q = perturbed<double>(normal<3> | given<2> | words);
  const auto density = pulled_back(q, conditional_target);
  const std::size_t many = 37;
  const auto z = testing::normal_values<double>(3 * many, 3),
             c = testing::normal_values<double>(2 * many, 4);
  const auto [each, g] =
      density.value_and_grad(rows_of(z.data(), many, 3), rows_of(c.data(), many, 2));
  for (std::size_t i = 0; i < many; ++i) {
    const std::array<double, 2> ci{c[2 * i], c[2 * i + 1]};
    const auto expected = by_differences(q, z.data() + 3 * i, ci);
    CHECK(testing::near(each(i), expected[0], 1e-12 * (1 + std::abs(expected[0]))));
    for (std::size_t d = 0; d < 3; ++d)
      CHECK(testing::near(g(i, d), expected[d + 1], 1e-7 * (1 + std::abs(expected[d + 1]))));
  }
  const std::array<double, 2> first{c[0], c[1]};
  const auto all = density.value_and_grad(rows_of(z.data(), many, 3), first);
  CHECK(all.value(0) == each(0));
  CHECK(all.gradient(0, 1) == g(0, 1));
  CHECK(all.value(1) != each(1));
  // Under a fixed context the target sees none.
  const auto fixed = q.condition(first);
  const auto alone = pulled_back(fixed, target).value_and_grad(rows_of(z.data(), many, 3));
  for (std::size_t i = 0; i < many; ++i) {
    const auto expected = by_differences(fixed, z.data() + 3 * i);
    CHECK(testing::near(alone.value(i), expected[0], 1e-12 * (1 + std::abs(expected[0]))));
    for (std::size_t d = 0; d < 3; ++d)
      CHECK(testing::near(alone.gradient(i, d), expected[d + 1],
                          1e-7 * (1 + std::abs(expected[d + 1]))));
  }
}

TEST_CASE("in float as in double", "[training]") {
  const auto q = perturbed<float>(normal<3> | words);
  const auto exact = perturbed<double>(normal<3> | words);
  const auto z = testing::normal_values<float>(3 * n, 3);
  const std::vector<double> wide(z.begin(), z.end());
  const auto narrow = pulled_back(q, target).value_and_grad(rows_of(z.data(), n, 3));
  const auto right = pulled_back(exact, target).value_and_grad(rows_of(wide.data(), n, 3));
  for (std::size_t i = 0; i < n; ++i) {
    CHECK(testing::near(narrow.value(i), right.value(i), 1e-4 * (1 + std::abs(right.value(i)))));
    for (std::size_t d = 0; d < 3; ++d)
      CHECK(testing::near(narrow.gradient(i, d), right.gradient(i, d),
                          1e-3 * (1 + std::abs(right.gradient(i, d)))));
  }
}

TEST_CASE("words without an inverse are walked on too", "[training]") {
  const auto q = perturbed<double>(normal<3> | planar | radial);
  const auto z = testing::normal_values<double>(9, 3);
  const auto [value, g] = pulled_back(q, target).value_and_grad(rows_of(z.data(), 3, 3));
  for (std::size_t i = 0; i < 3; ++i) {
    const auto expected = by_differences(q, z.data() + 3 * i);
    CHECK(testing::near(value(i), expected[0], 1e-12));
    for (std::size_t d = 0; d < 3; ++d) CHECK(testing::near(g(i, d), expected[d + 1], 1e-7));
  }
}

TEST_CASE("a target reads contexts in their own units", "[training]") {
  const auto q = perturbed<double>(normal<3> | given<2>.standardise({3, -2}, {10, 0.5}) | words);
  const std::array<double, 2> c{8, -1.75};
  const auto z = testing::normal_values<double>(9, 3);
  const auto [value, g] =
      pulled_back(q, conditional_target).value_and_grad(rows_of(z.data(), 3, 3), c);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto expected = by_differences(q, z.data() + 3 * i, c);
    CHECK(testing::near(value(i), expected[0], 1e-12 * (1 + std::abs(expected[0]))));
    for (std::size_t d = 0; d < 3; ++d)
      CHECK(testing::near(g(i, d), expected[d + 1], 1e-7 * (1 + std::abs(expected[d + 1]))));
  }
}

TEST_CASE("noise that is too far out has density 0, and its neighbours are untouched",
          "[training]") {
  const auto q = perturbed<float>(normal<3> | iaf<7> | flip | iaf<7>);
  const auto density = pulled_back(q, target);
  auto z = testing::normal_values<float>(9, 3);
  const auto clean = density.value_and_grad(rows_of(z.data(), 3, 3));
  z[3] = 1e38F;
  z[4] = -1e38F;
  const auto far = density.value_and_grad(rows_of(z.data(), 3, 3));
  CHECK(!std::isnan(far.value(1)));
  for (std::size_t d = 0; d < 3; ++d) CHECK(!std::isnan(far.gradient(1, d)));
  for (const std::size_t i : {std::size_t{0}, std::size_t{2}}) {
    CHECK(far.value(i) == clean.value(i));
    for (std::size_t d = 0; d < 3; ++d) CHECK(far.gradient(i, d) == clean.gradient(i, d));
  }
}

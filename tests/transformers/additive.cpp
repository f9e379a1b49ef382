#include <bijou/transformers/additive.hpp>

#include <type_traits>

#include "transformers/check.hpp"

using namespace transformer_check;

static_assert(std::is_empty_v<additive_t>);
static_assert(transformer<additive_t>);
static_assert(!keeping_transformer<additive_t>); // its adjoint reads no parameter

TEMPLATE_TEST_CASE("additive: inverse undoes forward", "[transformers][additive]", float, double) {
  std::mt19937 rng(51);
  for (const double scale : {0.5, 4.0})
    for (int trial = 0; trial < 100; ++trial) {
      const single<TestType, additive_t> t{additive, random_theta<TestType>(additive, rng, scale)};
      for (const double x : {0.0, -0.7, 1.3, 1e4, -1e4})
        check_round_trip(t, TestType(x), std::abs(double(t.theta[0])), 2);
    }
}

TEST_CASE("additive: derivatives agree with central differences", "[transformers][additive]") {
  std::mt19937 rng(52);
  for (const double scale : {0.5, 4.0})
    for (int trial = 0; trial < 100; ++trial) {
      const single<double, additive_t> t{additive, random_theta<double>(additive, rng, scale)};
      for (const double x : {0.0, -0.7, 1.3, 30.0}) check_derivatives(t, x, 1e-8);
    }
}

TEST_CASE("additive: float agrees with double", "[transformers][additive]") {
  std::mt19937 rng(53);
  for (int trial = 0; trial < 100; ++trial) {
    const auto theta = random_theta<float>(additive, rng, 4);
    for (const float x : {0.0F, -0.7F, 1.3F, 1e4F})
      check_float(additive, theta, x, std::abs(double(theta[0])), 2);
  }
}

TEMPLATE_TEST_CASE("additive: one rounding of x + t and of y - t, and a log slope of 0",
                   "[transformers][additive]", float, double) {
  constexpr long double eps = std::numeric_limits<TestType>::epsilon();
  std::mt19937 rng(54);
  std::normal_distribution<double> normal(0, 3);
  for (int trial = 0; trial < 1000; ++trial) {
    const auto t = TestType(normal(rng)), x = TestType(normal(rng));
    const single<TestType, additive_t> f{additive, {t}};
    const long double wide_x = x, wide_t = t, sum = wide_x + wide_t, difference = wide_x - wide_t;
    // Half an ulp; a little more, for a long double may have rounded the sum as well.
    CHECK(std::abs(f.forward(x).value - sum) <= 0.501L * eps * std::abs(sum));
    CHECK(std::abs(f.inverse(x).value - difference) <= 0.501L * eps * std::abs(difference));
    CHECK(f.forward(x).log_slope == 0);
    CHECK(f.inverse(x).log_slope == 0);
    CHECK(f.slope(x).slope == 1);
    CHECK(f.slope(x).dlog == 0);
  }
}

TEMPLATE_TEST_CASE("additive: adjoints pass cotangents on as they are", "[transformers][additive]",
                   float, double) {
  const single<TestType, additive_t> t{additive, {TestType(0.25)}};
  CHECK(t.pull_back(TestType(3), TestType(0.75), TestType(-1.25)) ==
        std::vector<TestType>{TestType(0.75), TestType(0.75)});
  CHECK(t.pull_back_inverse(TestType(3), TestType(0.75), TestType(-1.25)) ==
        std::vector<TestType>{TestType(-0.75), TestType(0.75)});
}

TEMPLATE_TEST_CASE("additive: extremes", "[transformers][additive]", float, double) {
  using limits = std::numeric_limits<TestType>;
  const single<TestType, additive_t> up{additive, {limits::max()}};
  CHECK(up.forward(-limits::max()).value == 0);
  CHECK(up.forward(limits::max()).value == limits::infinity());
  CHECK(up.inverse(limits::max()).value == 0);
  CHECK(up.forward(TestType(1)).value == limits::max());
  CHECK(up.forward(limits::infinity()).value == limits::infinity());
  CHECK(up.inverse(-limits::infinity()).value == -limits::infinity());
  CHECK(up.forward(limits::infinity()).log_slope == 0);
  // Subnormal numbers add up exactly.
  const single<TestType, additive_t> least{additive, {limits::denorm_min()}};
  CHECK(least.forward(limits::denorm_min()).value == 2 * limits::denorm_min());
  CHECK(least.inverse(limits::denorm_min()).value == 0);
}

TEMPLATE_TEST_CASE("additive.fixed(): the same map, and a cotangent of 0 for its number",
                   "[transformers][additive]", float, double) {
  using T = TestType;
  std::mt19937 rng(56);
  for (int trial = 0; trial < 50; ++trial) {
    const auto theta = random_theta<T>(additive, rng, 4);
    const single<T, additive_t> trained{additive, theta};
    const single<T, fixed_t<additive_t>> fixed{additive.fixed(), theta};
    CHECK(fixed.forward(T(0.7)).value == trained.forward(T(0.7)).value);
    CHECK(fixed.inverse(T(0.7)).value == trained.inverse(T(0.7)).value);
    CHECK(fixed.pull_back(T(0.7), T(0.75), T(-1.25)) == std::vector{T(0), T(0.75)});
    CHECK(fixed.pull_back_inverse(T(0.7), T(0.75), T(-1.25)) == std::vector{T(0), T(0.75)});
  }
  check_lanes<T>(additive.fixed(), rng);
  check_nan<T>(additive.fixed(), rng);
}

TEMPLATE_TEST_CASE("additive: identity, lanes and NaN", "[transformers][additive]", float, double) {
  std::mt19937 rng(55);
  single<TestType, additive_t> t{additive, {7}};
  additive.identity(t.theta.data(), 1);
  CHECK(t.forward(TestType(0.3)).value == TestType(0.3));
  CHECK(t.forward(TestType(0.3)).log_slope == 0);
  check_lanes<TestType>(additive, rng);
  check_nan<TestType>(additive, rng);
}

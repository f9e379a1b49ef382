#include <bijou/transformers/gated.hpp>

#include <type_traits>

#include "transformers/check.hpp"

using namespace transformer_check;

static_assert(std::is_empty_v<gated_t<>>);
static_assert(transformer<gated_t<set_bias>>);
static_assert(gated.sigmoid_bias(1.5).bias == 1.5);

TEMPLATE_TEST_CASE("gated: inverse undoes forward", "[transformers][gated]", float, double) {
  std::mt19937 rng(31);
  for (const double scale : {0.5, 4.0})
    for (int trial = 0; trial < 100; ++trial) {
      const single<TestType, gated_t<>> t{gated, random_theta<TestType>(gated, rng, scale)};
      for (const double x : {0.0, -0.7, 1.3, 1e4, -1e4})
        check_round_trip(t, TestType(x), std::abs(double(t.theta[0])), 16);
    }
}

TEST_CASE("gated: derivatives agree with central differences", "[transformers][gated]") {
  std::mt19937 rng(32);
  for (const double scale : {0.5, 4.0})
    for (int trial = 0; trial < 100; ++trial) {
      const single<double, gated_t<>> t{gated, random_theta<double>(gated, rng, scale)};
      for (const double x : {0.0, -0.7, 1.3, 30.0}) check_derivatives(t, x, 1e-8);
    }
}

TEST_CASE("gated: float agrees with double", "[transformers][gated]") {
  std::mt19937 rng(33);
  for (int trial = 0; trial < 100; ++trial) {
    const auto theta = random_theta<float>(gated, rng, 4);
    for (const float x : {0.0F, -0.7F, 1.3F, 1e4F})
      check_float(gated, theta, x, std::abs(double(theta[0])), 16);
  }
}

TEMPLATE_TEST_CASE("gated: the formula, with any bias", "[transformers][gated]", float, double) {
  const double eps = 16 * std::numeric_limits<TestType>::epsilon();
  for (const double z : {-30.0, -2.0, 0.0, 0.5, 30.0}) {
    const single<TestType, gated_t<set_bias>> t{gated.sigmoid_bias(1.5),
                                                {TestType(0.25), TestType(z)}};
    const double s = 1 / (1 + std::exp(-z - 1.5));
    CHECK(t.forward(3).value == Approx(3 * s + (1 - s) * 0.25).epsilon(eps));
    CHECK(t.forward(3).log_slope == Approx(-std::log1p(std::exp(-z - 1.5))).epsilon(eps));
  }
}

TEMPLATE_TEST_CASE("gated: an all but closed gate stays finite", "[transformers][gated]", float,
                   double) {
  for (const double z : {-60.0, -120.0, -1e4}) {
    const single<TestType, gated_t<>> t{gated, {TestType(0.25), TestType(z)}};
    const auto y = t.forward(TestType(0.7));
    CHECK(y.value == TestType(0.25));
    CHECK(y.log_slope == Approx(z + 2));
    CHECK(std::isfinite(t.inverse(y.value).value));
    CHECK(t.inverse(y.value).log_slope == Approx(z + 2));
    for (const TestType g : t.pull_back_inverse(y.value, 0, TestType(1))) CHECK(std::isfinite(g));
  }
}

TEMPLATE_TEST_CASE("gated: theta = 0 shrinks by sigmoid(2); lanes and NaN", "[transformers][gated]",
                   float, double) {
  std::mt19937 rng(34);
  single<TestType, gated_t<>> t{gated, {7, 7}};
  gated.identity(t.theta.data(), 1);
  CHECK(t.forward(TestType(1)).value == Approx(0.880797077977882));
  check_lanes<TestType>(gated, rng);
  check_nan<TestType>(gated, rng);
  check_kept<TestType>(gated, rng);
}

TEST_CASE("gated: its text names options that differ from the default", "[transformers][gated]") {
  CHECK(gated.text() == "gated");
  CHECK(gated.sigmoid_bias(2).text() == "gated");
  CHECK(gated.sigmoid_bias(1.5).text() == "gated.sigmoid_bias(1.5)");
  // As many digits as tell the number from its neighbours, so that a saved text is compared
  // exactly.
  CHECK(gated.sigmoid_bias(0.1).text() == "gated.sigmoid_bias(0.1)");
  CHECK(gated.sigmoid_bias(1.0 / 3).text() == "gated.sigmoid_bias(0.3333333333333333)");
}

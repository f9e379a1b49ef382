#include <bijou/transformers/clamped_affine.hpp>

#include <type_traits>

#include "transformers/check.hpp"

using namespace transformer_check;

static_assert(std::is_empty_v<clamped_affine_t<>>);
static_assert(transformer<clamped_affine_t<set_clip>>);
static_assert(clamped_affine.clip(-1, 2).max_log_scale == 2);

TEMPLATE_TEST_CASE("clamped_affine: inverse undoes forward", "[transformers][clamped_affine]",
                   float, double) {
  std::mt19937 rng(21);
  for (const double scale : {0.5, 4.0})
    for (int trial = 0; trial < 100; ++trial) {
      const single<TestType, clamped_affine_t<>> t{
          clamped_affine, random_theta<TestType>(clamped_affine, rng, scale)};
      for (const double x : {0.0, -0.7, 1.3, 1e4, -1e4})
        check_round_trip(t, TestType(x), std::abs(double(t.theta[0])), 16);
    }
}

TEST_CASE("clamped_affine: derivatives agree with central differences where nothing is clamped",
          "[transformers][clamped_affine]") {
  std::mt19937 rng(22);
  for (int trial = 0; trial < 100; ++trial) {
    single<double, clamped_affine_t<>> t{clamped_affine,
                                         random_theta<double>(clamped_affine, rng, 1.5)};
    t.theta[1] = std::max(-4.9, std::min(2.9, t.theta[1]));
    for (const double x : {0.0, -0.7, 1.3, 30.0}) check_derivatives(t, x, 1e-8);
  }
}

TEST_CASE("clamped_affine: the gradient passes straight through the clamp",
          "[transformers][clamped_affine]") {
  const auto f = clamped_affine.clip(-2, 1);
  for (const double u : {-7.0, 5.0}) {
    const single<double, clamped_affine_t<set_clip>> t{f, {0.5, u}};
    const double a = u < 0 ? -2 : 1;
    CHECK(t.forward(3).log_slope == a);
    CHECK(t.forward(3).value == Approx(3 * std::exp(a) + 0.5).epsilon(1e-15));
    const auto g = t.pull_back(3, 0.75, -1.25);
    CHECK(g[0] == 0.75);
    CHECK(g[1] == Approx(0.75 * 3 * std::exp(a) - 1.25).epsilon(1e-15));
    CHECK(g[2] == Approx(0.75 * std::exp(a)).epsilon(1e-15));
    check_derivatives(t, 3, 1e-8, false);
  }
}

TEST_CASE("clamped_affine: float agrees with double", "[transformers][clamped_affine]") {
  std::mt19937 rng(23);
  for (int trial = 0; trial < 100; ++trial) {
    const auto theta = random_theta<float>(clamped_affine, rng, 4);
    for (const float x : {0.0F, -0.7F, 1.3F, 1e4F})
      check_float(clamped_affine, theta, x, std::abs(double(theta[0])), 16);
  }
}

TEMPLATE_TEST_CASE("clamped_affine: identity, lanes and NaN", "[transformers][clamped_affine]",
                   float, double) {
  std::mt19937 rng(24);
  single<TestType, clamped_affine_t<>> t{clamped_affine, {7, 7}};
  clamped_affine.identity(t.theta.data(), 1);
  CHECK(t.forward(TestType(0.3)).value == TestType(0.3));
  CHECK(t.forward(TestType(0.3)).log_slope == 0);
  check_lanes<TestType>(clamped_affine, rng);
  check_nan<TestType>(clamped_affine, rng);
  check_kept<TestType>(clamped_affine, rng);
}

TEST_CASE("clamped_affine: bounds in the wrong order are refused",
          "[transformers][clamped_affine]") {
  CHECK_THROWS_WITH(clamped_affine.clip(3, -5),
                    Catch::Contains("expected lo < hi") && Catch::Contains("3 and -5"));
  CHECK_THROWS_AS(clamped_affine.clip(1, 1), std::invalid_argument);
  CHECK_THROWS_AS(clamped_affine.clip(std::numeric_limits<double>::quiet_NaN(), 0),
                  std::invalid_argument);
}

TEST_CASE("clamped_affine: its text names options that differ from the default",
          "[transformers][clamped_affine]") {
  CHECK(clamped_affine.text() == "clamped_affine");
  CHECK(clamped_affine.clip(-5, 3).text() == "clamped_affine");
  CHECK(clamped_affine.clip(-2, 0.5).text() == "clamped_affine.clip(-2, 0.5)");
}

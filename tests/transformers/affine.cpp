#include <bijou/transformers/affine.hpp>

#include <type_traits>

#include "transformers/check.hpp"

using namespace transformer_check;

static_assert(std::is_empty_v<affine_t>);
static_assert(transformer<affine_t>);

TEMPLATE_TEST_CASE("affine: inverse undoes forward", "[transformers][affine]", float, double) {
  std::mt19937 rng(11);
  for (const double scale : {0.5, 4.0})
    for (int trial = 0; trial < 100; ++trial) {
      const single<TestType, affine_t> t{affine, random_theta<TestType>(affine, rng, scale)};
      for (const double x : {0.0, -0.7, 1.3, 1e4, -1e4})
        check_round_trip(t, TestType(x), std::abs(double(t.theta[0])), 16);
    }
}

TEST_CASE("affine: derivatives agree with central differences", "[transformers][affine]") {
  std::mt19937 rng(12);
  for (const double scale : {0.5, 4.0})
    for (int trial = 0; trial < 100; ++trial) {
      const single<double, affine_t> t{affine, random_theta<double>(affine, rng, scale)};
      for (const double x : {0.0, -0.7, 1.3, 30.0}) check_derivatives(t, x, 1e-8);
    }
}

TEST_CASE("affine: float agrees with double", "[transformers][affine]") {
  std::mt19937 rng(13);
  for (int trial = 0; trial < 100; ++trial) {
    const auto theta = random_theta<float>(affine, rng, 4);
    for (const float x : {0.0F, -0.7F, 1.3F, 1e4F})
      check_float(affine, theta, x, std::abs(double(theta[0])), 16);
  }
}

TEMPLATE_TEST_CASE("affine: the log scale is u / (1 + |u| / log 1000)", "[transformers][affine]",
                   float, double) {
  for (const double u : {-1e6, -20.0, -1.0, 0.0, 0.1, 3.0, 1e6}) {
    const single<TestType, affine_t> t{affine, {TestType(0.25), TestType(u)}};
    const double a = u / (1 + std::abs(u) / std::log(1000.0));
    const double eps = 16 * std::numeric_limits<TestType>::epsilon();
    CHECK(t.forward(TestType(2)).log_slope == Approx(a).epsilon(eps).margin(eps));
    CHECK(t.forward(TestType(2)).value == Approx(2 * std::exp(a) + 0.25).epsilon(2 * eps));
  }
}

TEMPLATE_TEST_CASE("affine: identity, lanes and NaN", "[transformers][affine]", float, double) {
  std::mt19937 rng(14);
  single<TestType, affine_t> t{affine, {7, 7}};
  affine.identity(t.theta.data(), 1);
  CHECK(t.forward(TestType(0.3)).value == TestType(0.3));
  CHECK(t.forward(TestType(0.3)).log_slope == 0);
  check_lanes<TestType>(affine, rng);
  check_nan<TestType>(affine, rng);
  check_kept<TestType>(affine, rng);
}

#include <bijou/transformers/softplus_affine.hpp>

#include <type_traits>

#include "transformers/check.hpp"

using namespace transformer_check;

static_assert(std::is_empty_v<softplus_affine_t<>>);
static_assert(transformer<softplus_affine_t<set_least_scale>>);
static_assert(keeping_transformer<softplus_affine_t<>>);
static_assert(softplus_affine.min_scale(0.25).least_scale == 0.25);

namespace {

// The textbook formula, in a form that neither overflows nor loses digits.
long double textbook_scale(long double s, long double eps) {
  return std::max(s, 0.0L) + std::log1p(std::exp(-std::abs(s))) + eps;
}

// How many roundings of a T, of 1 or of `expected` where that is larger, `actual` is away from it.
template <class T> long double roundings(T actual, long double expected) {
  return std::abs(actual - expected) /
         (std::numeric_limits<T>::epsilon() * std::max(1.0L, std::abs(expected)));
}

} // namespace

TEMPLATE_TEST_CASE("softplus_affine: inverse undoes forward", "[transformers][softplus_affine]",
                   float, double) {
  std::mt19937 rng(61);
  for (const double scale : {0.5, 4.0})
    for (int trial = 0; trial < 100; ++trial) {
      const single<TestType, softplus_affine_t<>> t{
          softplus_affine, random_theta<TestType>(softplus_affine, rng, scale)};
      for (const double x : {0.0, -0.7, 1.3, 1e4, -1e4})
        check_round_trip(t, TestType(x), std::abs(double(t.theta[0])), 4);
    }
}

TEST_CASE("softplus_affine: derivatives agree with central differences",
          "[transformers][softplus_affine]") {
  std::mt19937 rng(62);
  for (const double scale : {0.5, 4.0})
    for (int trial = 0; trial < 100; ++trial) {
      const auto theta = random_theta<double>(softplus_affine, rng, scale);
      for (const double x : {0.0, -0.7, 1.3, 30.0}) {
        check_derivatives(single<double, softplus_affine_t<>>{softplus_affine, theta}, x, 1e-8);
        check_derivatives(
            single<double, softplus_affine_t<set_least_scale>>{softplus_affine.min_scale(0.5),
                                                               theta},
            x, 1e-8);
      }
    }
}

TEST_CASE("softplus_affine: float agrees with double", "[transformers][softplus_affine]") {
  std::mt19937 rng(63);
  for (int trial = 0; trial < 100; ++trial) {
    const auto theta = random_theta<float>(softplus_affine, rng, 4);
    for (const float x : {0.0F, -0.7F, 1.3F, 1e4F})
      check_float(softplus_affine, theta, x, std::abs(double(theta[0])), 4);
  }
}

TEMPLATE_TEST_CASE("softplus_affine: the formula, against long double",
                   "[transformers][softplus_affine]", float, double) {
  for (const double eps : {1e-30, 1e-3, 0.75}) {
    const auto f = softplus_affine.min_scale(eps);
    for (const double s : bijou::testing::midpoints(-80, 80, 433)) {
      const single<TestType, softplus_affine_t<set_least_scale>> t{f,
                                                                   {TestType(0.25), TestType(s)}};
      const long double a = textbook_scale(t.theta[1], TestType(eps)), log_a = std::log(a);
      INFO("s = " << s << ", eps = " << eps);
      CHECK(std::abs(t.slope(2).slope - a) <= 4 * std::numeric_limits<TestType>::epsilon() * a);
      CHECK(roundings(t.forward(2).value, 2 * a + 0.25L) < 4);
      CHECK(roundings(t.forward(2).log_slope, log_a) < 4);
      CHECK(t.inverse(2).log_slope == t.forward(2).log_slope);
      const long double x = (2 - 0.25L) / a;
      CHECK(std::abs(t.inverse(2).value - x) <= 4 * std::numeric_limits<TestType>::epsilon() * x);
      // d log a / ds is what remains of the parameter's cotangent where gy is 0.
      const long double slope = 1 / ((1 + std::exp(-1.0L * t.theta[1])) * a);
      const TestType g = t.pull_back(2, 0, 1)[1];
      CHECK(std::abs(g - slope) <= 8 * std::numeric_limits<TestType>::epsilon() * slope);
    }
  }
}

TEMPLATE_TEST_CASE("softplus_affine: the log slope where the scale is its least or enormous",
                   "[transformers][softplus_affine]", float, double) {
  using limits = std::numeric_limits<TestType>;
  const auto all_finite = [](const std::vector<TestType>& g) {
    return std::all_of(g.begin(), g.end(), [](TestType v) { return std::isfinite(v); });
  };
  for (const TestType s : {TestType(-90), TestType(-750), TestType(-1e30), limits::lowest()}) {
    INFO("s = " << s);
    const single<TestType, softplus_affine_t<>> t{softplus_affine, {TestType(0.25), s}};
    const auto at = t.forward(TestType(3));
    CHECK(roundings(at.value, 0.25L + 3e-3L) < 2);
    CHECK(roundings(at.log_slope, std::log(1e-3L)) < 2);
    CHECK(roundings(t.inverse(TestType(0.25 + 3e-3)).value, 3) < 300); // 0.25 / 1e-3 of them
    CHECK(t.inverse(TestType(0.25)).value == 0);
    CHECK(all_finite(t.pull_back(3, TestType(0.75), TestType(-1.25))));
    CHECK(all_finite(t.pull_back_inverse(at.value, TestType(0.75), TestType(-1.25))));
  }
  for (const TestType s : {TestType(90), TestType(750), TestType(1e30), limits::max()}) {
    INFO("s = " << s);
    const single<TestType, softplus_affine_t<>> t{softplus_affine, {TestType(0.25), s}};
    const auto at = t.forward(TestType(0.5));
    CHECK(at.value == Approx(s / 2 + TestType(0.25)));
    CHECK(roundings(at.log_slope, std::log(s + 1e-3L)) < 2);
    CHECK(t.forward(0).value == TestType(0.25)); // 0 times no infinity
    CHECK(t.inverse(at.value).value == Approx(0.5));
    const auto g = t.pull_back(TestType(0.5), TestType(0.75), TestType(-1.25));
    CHECK(g[1] == Approx(0.75 * 0.5 - 1.25 / double(s)).epsilon(1e-5));
    CHECK(all_finite(g));
    CHECK(all_finite(t.pull_back_inverse(at.value, TestType(0.75), TestType(-1.25))));
  }
}

TEMPLATE_TEST_CASE("softplus_affine: identity, lanes and NaN", "[transformers][softplus_affine]",
                   float, double) {
  std::mt19937 rng(64);
  for (const double eps : {1e-30, 1e-3, 0.5, 0.999}) {
    INFO("eps = " << eps);
    single<TestType, softplus_affine_t<set_least_scale>> t{softplus_affine.min_scale(eps), {7, 7}};
    t.f.identity(t.theta.data(), 1);
    CHECK(t.theta[0] == 0);
    CHECK(roundings(t.forward(1).value, 1) < 4);
    CHECK(roundings(t.forward(1).log_slope, 0) < 4);
  }
  // The parameters of one variable may lie apart.
  std::vector<TestType> theta{7, 7, 7};
  softplus_affine.identity(theta.data(), 2);
  CHECK(theta[1] == 7);
  CHECK(theta[2] == Approx(std::log(std::exp(1 - 1e-3) - 1)));
  check_lanes<TestType>(softplus_affine, rng);
  check_nan<TestType>(softplus_affine, rng);
  check_kept<TestType>(softplus_affine, rng);
}

TEST_CASE("softplus_affine: a least scale outside (0, 1) is refused, and one that no float holds",
          "[transformers][softplus_affine]") {
  CHECK_THROWS_WITH(softplus_affine.min_scale(-0.5),
                    Catch::Contains("expected 0 < eps < 1") && Catch::Contains("got -0.5"));
  for (const double eps : {0.0, 1.0, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS_AS(softplus_affine.min_scale(eps), std::invalid_argument);
  const auto f = softplus_affine.min_scale(1e-46);
  CHECK_NOTHROW(f.check_options<double>());
  CHECK_THROWS_WITH(f.check_options<float>(),
                    "softplus_affine.min_scale(1e-46): in float the scale 1e-46 is no normal "
                    "number: use make_flow<double>, or choose a larger one");
}

TEST_CASE("softplus_affine: its text names an option that differs from the default",
          "[transformers][softplus_affine]") {
  CHECK(softplus_affine.text() == "softplus_affine");
  CHECK(softplus_affine.min_scale(1e-3).text() == "softplus_affine");
  CHECK(softplus_affine.min_scale(0.05).text() == "softplus_affine.min_scale(0.05)");
}

#include <bijou/bijectors/elementwise/sigmoid.hpp>

#include "bijectors/function_check.hpp"

using namespace function_check;

static_assert(interval_function{-2, 3}.high == 3);

namespace {
long double logistic_cdf(long double x) { return 1 / (1 + std::exp(-x)); }
} // namespace

TEMPLATE_TEST_CASE("sigmoid_function: formula, slopes and inverse", "[bijectors][sigmoid]", float,
                   double) {
  check_function<TestType>(sigmoid_function{}, logistic_cdf, -20, 10);
  check_far_out<TestType>(sigmoid_function{});
}

TEMPLATE_TEST_CASE("sigmoid_function: y stays inside, up to the last number",
                   "[bijectors][sigmoid]", float, double) {
  using P = simd::pack<TestType>;
  using limits = std::numeric_limits<TestType>;
  const sigmoid_function f;
  const TestType last = 1 - limits::epsilon() / 2; // the number below 1
  CHECK(f.forward(P(TestType(1e4)))[0] == last);
  CHECK(f.forward(P(TestType(-1e4)))[0] == limits::min());
  CHECK(f.inverse(P(TestType(1)))[0] == f.inverse(P(last))[0]);
  CHECK(f.inverse(P(TestType(0)))[0] == -f.inverse(P(last))[0]);
  CHECK(f.log_abs_slope(P(TestType(-1e4)))[0] == TestType(-1e4));
}

TEMPLATE_TEST_CASE("interval_function: the sigmoid onto any interval", "[bijectors][sigmoid]",
                   float, double) {
  using P = simd::pack<TestType>;
  check_function<TestType>(
      interval_function{0.5, 3}, [](long double x) { return 0.5L + 2.5L * logistic_cdf(x); }, -6,
      6);
  check_far_out<TestType>(interval_function{-2, 3});
  const interval_function f{0, 180};
  CHECK(f.text() == "interval_map(0, 180)");
  CHECK(f.log_abs_slope(P(TestType(0)))[0] == Approx(std::log(45.0)));
  CHECK(f.forward(P(TestType(1e4)))[0] <= 180);
  CHECK(f.forward(P(TestType(-1e4)))[0] >= 0);
}

TEST_CASE("interval_function: ends in the wrong order are refused", "[bijectors][sigmoid]") {
  CHECK_THROWS_WITH((interval_function{3, -2}),
                    Catch::Contains("low < high") && Catch::Contains("got 3 and -2"));
  CHECK_THROWS_WITH((interval_function{1, 1}), Catch::Contains("got 1 and 1"));
  const double inf = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS((interval_function{0, inf}), std::invalid_argument);
}

TEST_CASE("the logarithm of an interval's width, in constant expressions", "[bijectors][sigmoid]") {
  for (const double v : {1e-300, 1e-3, 0.5, 0.7, 1.0, 1.4142, 2.5, 180.0, 1e300})
    CHECK(detail::constexpr_log(v) == Approx(std::log(v)).epsilon(4e-16).margin(1e-16));
  static_assert(detail::constexpr_log(1) == 0);
}

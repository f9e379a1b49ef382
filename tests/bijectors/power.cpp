#include <bijou/bijectors/elementwise/power.hpp>

#include <stdexcept>

#include "bijectors/function_check.hpp"

using namespace function_check;
using Catch::Matchers::Contains;

static_assert(power_map(-2).function.exponent == -2);
static_assert(signed_power_map(0.5).function.exponent == 0.5);

TEMPLATE_TEST_CASE("power_function: formula, slopes and inverse", "[bijectors][power]", float,
                   double) {
  for (const double p : {1.0, 2.0, 0.5, 3.0, 1.7}) {
    INFO("p = " << p);
    const auto reference = [=](long double x) { return std::pow(x, static_cast<long double>(p)); };
    check_function<TestType>(power_function{p}, reference, TestType(0.3), 6);
  }
}

TEMPLATE_TEST_CASE("power_function: an exponent below 0 turns the half-line round",
                   "[bijectors][power]", float, double) {
  using T = TestType;
  using P = simd::pack<T>;
  const double eps = std::numeric_limits<T>::epsilon();
  const power_function f{-1.5};
  for (const T x : {T(0.125), T(1), T(7)}) {
    const double v = x, slope = -1.5 * std::pow(v, -2.5);
    CHECK(f.forward(P(x))[0] == Approx(std::pow(v, -1.5)).epsilon(4 * eps));
    CHECK(f.inverse(P(f.forward(P(x))[0]))[0] == Approx(v).epsilon(4 * eps));
    CHECK(f.slope(P(x)).slope[0] == Approx(slope).epsilon(8 * eps)); // with its sign
    CHECK(f.slope(P(x)).dlog[0] == Approx(-2.5 / v).epsilon(4 * eps));
    CHECK(f.log_abs_slope(P(x))[0] == Approx(std::log(-slope)).epsilon(8 * eps));
  }
}

TEMPLATE_TEST_CASE("power_function: the ends of the half-line", "[bijectors][power]", float,
                   double) {
  using T = TestType;
  using P = simd::pack<T>;
  using limits = std::numeric_limits<T>;
  const power_function square{2}, root{0.5}, reciprocal{-1};
  CHECK(square.forward(P(limits::max()))[0] == limits::infinity()); // the word makes it finite
  CHECK(square.inverse(P(limits::max()))[0] ==
        Approx(std::sqrt(double(limits::max()))).epsilon(4 * limits::epsilon()));
  CHECK(root.inverse(P(T(0)))[0] == 0);
  CHECK(reciprocal.forward(P(T(0)))[0] == limits::infinity());
  for (const T x : {T(0), limits::denorm_min(), limits::max(), limits::infinity()})
    for (const auto& f : {square, root, reciprocal, power_function{100}}) {
      INFO(f.text() << " at " << x);
      CHECK(std::isfinite(f.log_abs_slope(P(x))[0]));
      CHECK(std::isfinite(f.slope(P(x)).slope[0]));
      CHECK(std::isfinite(f.slope(P(x)).dlog[0]));
    }
  CHECK(std::isnan(square.forward(P(T(-1)))[0])); // no number of the half-line
  CHECK(std::isnan(square.log_abs_slope(P(T(-1)))[0]));
}

TEMPLATE_TEST_CASE("signed_power_function: formula, slopes and inverse", "[bijectors][power]",
                   float, double) {
  for (const double p : {1.0, 2.0, 0.5, 3.0}) {
    INFO("p = " << p);
    const auto reference = [=](long double x) {
      const long double size = std::pow(std::abs(x), static_cast<long double>(p));
      return x < 0 ? -size : size;
    };
    check_function<TestType>(signed_power_function{p}, reference, TestType(0.3), 6);
    check_function<TestType>(signed_power_function{p}, reference, -6, TestType(-0.3));
  }
}

TEMPLATE_TEST_CASE("signed_power_function: slopes near 0, where no difference quotient reaches",
                   "[bijectors][power]", float, double) {
  using T = TestType;
  using P = simd::pack<T>;
  const double eps = std::numeric_limits<T>::epsilon();
  for (const double p : {3.0, 0.5})
    for (const double at : {0.03, -1e-4, 1e-12}) {
      INFO("p = " << p << ", x = " << at);
      const signed_power_function f{p};
      const T x = static_cast<T>(at);
      const double size = std::abs(double(x));
      CHECK(f.slope(P(x)).slope[0] == Approx(p * std::pow(size, p - 1)).epsilon(8 * eps));
      CHECK(f.slope(P(x)).dlog[0] == Approx((p - 1) / double(x)).epsilon(2 * eps));
      CHECK(f.log_abs_slope(P(x))[0] ==
            Approx(std::log(p) + (p - 1) * std::log(size)).epsilon(4 * eps));
    }
}

TEMPLATE_TEST_CASE("signed_power_function: what an infinite log slope at 0 counts as",
                   "[bijectors][power]", float, double) {
  using T = TestType;
  using P = simd::pack<T>;
  using limits = std::numeric_limits<T>;
  const double least = limits::min();
  for (const double p : {3.0, 1.0, 0.5}) {
    INFO("p = " << p);
    const signed_power_function f{p};
    // As at the smallest normal number, whose log slope is a number.
    const auto there =
        Approx(std::log(p) + (p - 1) * std::log(least)).epsilon(4 * limits::epsilon());
    for (const T x : {T(0), T(-0.0), limits::denorm_min(), -limits::denorm_min(), limits::min()}) {
      INFO("x = " << x);
      CHECK(f.log_abs_slope(P(x))[0] == there);
      CHECK(f.slope(P(x)).slope[0] ==
            Approx(static_cast<T>(p * std::pow(least, p - 1))).epsilon(8 * limits::epsilon()));
    }
    for (const T x : {T(0), -limits::denorm_min()}) {
      CHECK(f.slope(P(x)).dlog[0] == 0);
      CHECK(f.log_abs_slope(math::variable(P(x))).derivative[0] == 0);
    }
    CHECK(f.forward(P(T(0)))[0] == 0);
    CHECK(f.inverse(P(T(0)))[0] == 0);
  }
}

TEMPLATE_TEST_CASE("signed_power_function: the ends of the line", "[bijectors][power]", float,
                   double) {
  using T = TestType;
  using P = simd::pack<T>;
  using limits = std::numeric_limits<T>;
  const T inf = limits::infinity();
  for (const double p : {3.0, 1.0, 0.5, 30.0}) {
    INFO("p = " << p);
    const signed_power_function f{p};
    for (const T v : {inf, -inf}) {
      CHECK(f.forward(P(v))[0] == v);
      CHECK(f.inverse(P(v))[0] == v);
      CHECK(f.slope(P(v)).slope[0] >= 0);
      CHECK(f.slope(P(v)).dlog[0] == 0);
    }
    for (const T v : {inf, -inf, limits::max(), limits::min(), T(0)}) {
      CHECK(std::isfinite(f.log_abs_slope(P(v))[0]));
      CHECK(std::isfinite(f.slope(P(v)).slope[0]));
      CHECK(std::isfinite(f.slope(P(v)).dlog[0]));
    }
  }
  CHECK(signed_power_function{3}.forward(P(limits::lowest()))[0] == -inf);
  CHECK(signed_power_function{0.5}.forward(P(-inf))[0] == -inf);
}

TEST_CASE("powers refuse exponents without an inverse", "[bijectors][power]") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  CHECK_THROWS_WITH(power_map(0), "power_map(p): expected a finite p other than 0, got 0");
  CHECK_THROWS_WITH(power_map(inf), Contains("got inf"));
  CHECK_THROWS_AS(power_map(nan), std::invalid_argument);
  CHECK_THROWS_WITH(signed_power_map(0), "signed_power_map(p): expected a finite p > 0, got 0");
  CHECK_THROWS_WITH(signed_power_map(-1), Contains("got -1"));
  CHECK_THROWS_AS(signed_power_map(inf), std::invalid_argument);
  CHECK_THROWS_AS(signed_power_map(nan), std::invalid_argument);
  // Exponents that leave no room for a log slope.
  CHECK_NOTHROW(power_function{1e36}.check_options<double>());
  CHECK_THROWS_WITH(power_function{1e36}.check_options<float>(),
                    "power_map(1e+36): in float the exponent 1e+36 is out of range: use "
                    "make_flow<double>, or choose an exponent nearer to 1");
  CHECK_THROWS_WITH(signed_power_function{1e-306}.check_options<double>(),
                    Contains("signed_power_map(1e-306): in double the exponent 1e-306"));
  CHECK_NOTHROW(power_function{-3}.check_options<float>());
}

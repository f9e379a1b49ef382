#include <bijou/bijectors/elementwise/arctan.hpp>

#include "bijectors/function_check.hpp"

using namespace function_check;

namespace {
constexpr long double pi = 3.14159265358979323846264338L;

/// The lower tail by 1 / x: the sum 1/2 + atan(x) / pi would cancel there.
long double cauchy_cdf(long double x) {
  return x < -1 ? std::atan(-1 / x) / pi : 0.5L + std::atan(x) / pi;
}
/// The quantile by exact distances from the end below, the middle, and the end above.
long double cauchy_quantile(long double y) {
  if (y < 0.25L) return -1 / std::tan(pi * y);
  return y < 0.75L ? std::tan(pi * (y - 0.5L)) : 1 / std::tan(pi * (1 - y));
}
} // namespace

TEMPLATE_TEST_CASE("arctan_function: formula, slopes and inverse", "[bijectors][arctan]", float,
                   double) {
  check_function<TestType>(arctan_function{}, cauchy_cdf, -20, 10);
  check_function<TestType>(arctan_function{}, cauchy_cdf, -2, 2); // both sides of 1, and 0
  check_far_out<TestType>(arctan_function{});
}

TEMPLATE_TEST_CASE("arctan_function: the quantile keeps its digits up to both ends",
                   "[bijectors][arctan]", float, double) {
  using T = TestType;
  using P = simd::pack<T>;
  using limits = std::numeric_limits<T>;
  const arctan_function f;
  for (const T y : {limits::min(), T(1e-30), T(1e-10), T(0.001), T(0.25), T(0.4999), T(0.500001),
                    T(0.75), T(0.999), 1 - limits::epsilon(), 1 - limits::epsilon() / 2}) {
    INFO("y = " << y);
    const long double exact = cauchy_quantile(y);
    CHECK(std::abs(f.inverse(P(y))[0] - exact) <= 8 * limits::epsilon() * std::abs(exact));
  }
  CHECK(f.inverse(P(T(0.5)))[0] == 0);
  // mpmath: -cot(pi / 2^20); from above the same, for both shares are exact.
  CHECK(f.inverse(P(T(0x1p-20)))[0] == Approx(-333772.107214055802).epsilon(8 * limits::epsilon()));
  CHECK(f.inverse(P(T(1 - 0x1p-20)))[0] == -f.inverse(P(T(0x1p-20)))[0]);
}

TEMPLATE_TEST_CASE("arctan_function: far out, at the ends, and beyond them", "[bijectors][arctan]",
                   float, double) {
  using T = TestType;
  using P = simd::pack<T>;
  using limits = std::numeric_limits<T>;
  const arctan_function f;
  const T inf = limits::infinity(), most = limits::max(), last = 1 - limits::epsilon() / 2;
  for (const T x : {T(1e5), T(1e18), T(1e20), T(1e30)}) { // x^2 overflows for some
    INFO("x = " << x);
    const auto tail = static_cast<double>(cauchy_cdf(-x));
    CHECK(f.forward(P(-x))[0] == Approx(tail).epsilon(4 * limits::epsilon()));
    const long double wide = x, square = 1 + wide * wide;
    const auto l = static_cast<double>(-std::log(pi * square));
    CHECK(f.log_abs_slope(P(x))[0] == Approx(l).epsilon(2 * limits::epsilon()));
    CHECK(f.log_abs_slope(P(-x))[0] == f.log_abs_slope(P(x))[0]);
    CHECK(f.slope(P(x)).dlog[0] ==
          Approx(static_cast<double>(-2 * wide / square)).epsilon(4 * limits::epsilon()));
  }
  for (const T x : {most, inf}) {
    CHECK(f.forward(P(x))[0] == last);
    CHECK(f.forward(P(-x))[0] == limits::min());
  }
  // mpmath: the quantile of the last number below 1.
  const double far = sizeof(T) == 4 ? 5340353.71544081 : 2.86708056961133e15;
  CHECK(f.inverse(P(last))[0] == Approx(far).epsilon(4 * limits::epsilon() + 1e-14));
  CHECK(std::isfinite(f.log_abs_slope(P(-most))[0]));
  CHECK(f.log_abs_slope(P(inf))[0] == -inf);
  CHECK(f.slope(P(T(0))).dlog[0] == 0);
  for (const T y : {T(0), T(-0.0), T(-1), -inf})
    CHECK(f.inverse(P(y))[0] == -f.inverse(P(last))[0]);
  for (const T y : {T(1), T(2), inf}) CHECK(f.inverse(P(y))[0] == f.inverse(P(last))[0]);
  CHECK(f.inverse(P(limits::denorm_min()))[0] == -most); // its quantile overflows
}

#include <bijou/bijectors/elementwise/gumbel.hpp>

#include "bijectors/function_check.hpp"

using namespace function_check;

namespace {
long double gumbel_cdf(long double x) { return std::exp(-std::exp(-x)); }
} // namespace

TEMPLATE_TEST_CASE("gumbel_function: formula, slopes and inverse", "[bijectors][gumbel]", float,
                   double) {
  check_function<TestType>(gumbel_function{}, gumbel_cdf, TestType(-0.7), 8);
  check_far_out<TestType>(gumbel_function{});
}

TEMPLATE_TEST_CASE("gumbel_function: the lower tail, to the digits that x has",
                   "[bijectors][gumbel]", float, double) {
  using T = TestType;
  using P = simd::pack<T>;
  const double eps = std::numeric_limits<T>::epsilon();
  const gumbel_function f;
  for (const double at : {-1.0, -2.0, -3.0, -4.0, -6.0}) {
    if (sizeof(T) == 4 && at < -4.4) continue; // below the smallest float
    INFO("x = " << at);
    // e^-x is rounded, and y is an exponential of it: so many roundings more.
    const T x = static_cast<T>(at);
    const long double exact = gumbel_cdf(x), e = std::exp(-static_cast<long double>(x));
    const T y = f.forward(P(x))[0];
    CHECK(std::abs(y - exact) <= 2 * (1 + e) * eps * exact);
    CHECK(f.inverse(P(y))[0] == Approx(at).epsilon(4 * eps));
    CHECK(f.log_abs_slope(P(x))[0] == Approx(static_cast<double>(-x - e)).epsilon(2 * eps));
    CHECK(f.slope(P(x)).dlog[0] == Approx(static_cast<double>(e - 1)).epsilon(4 * eps));
  }
}

TEMPLATE_TEST_CASE("gumbel_function: the quantile up to both ends, and beyond them",
                   "[bijectors][gumbel]", float, double) {
  using T = TestType;
  using P = simd::pack<T>;
  using limits = std::numeric_limits<T>;
  const gumbel_function f;
  const T last = 1 - limits::epsilon() / 2, beside = limits::epsilon() / 2;
  for (const T y : {limits::denorm_min(), limits::min(), T(1e-30), T(1e-3), T(0.25), T(0.5), T(0.9),
                    T(0.9999), 1 - limits::epsilon(), last}) {
    INFO("y = " << y);
    const long double exact = -std::log(-std::log(static_cast<long double>(y)));
    CHECK(std::abs(f.inverse(P(y))[0] - exact) <= 2 * limits::epsilon() * (1 + std::abs(exact)));
  }
  for (const T y : {T(0), T(-0.0), T(-1), -limits::infinity()})
    CHECK(f.inverse(P(y))[0] == f.inverse(P(beside))[0]);
  for (const T y : {T(1), T(2), limits::infinity()})
    CHECK(f.inverse(P(y))[0] == f.inverse(P(last))[0]);

  const T inf = limits::infinity(), most = limits::max();
  for (const T x : {T(60), T(1e4), most, inf}) {
    INFO("x = " << x);
    CHECK(f.forward(P(x))[0] == last);
    CHECK(f.forward(P(-x))[0] == limits::min());
    CHECK(f.log_abs_slope(P(x))[0] == -x);
    CHECK(f.slope(P(x)).dlog[0] == -1);
    CHECK(f.slope(P(-x)).slope[0] == 0);
  }
  // e^-x overflows: the log slope ends where sums of it do not.
  const T end = sizeof(T) == 4 ? T(0x1p100) : T(0x1p1000);
  for (const T x : {T(-1e4), -most, -inf}) {
    CHECK(f.log_abs_slope(P(x))[0] == -end);
    CHECK(f.slope(P(x)).dlog[0] == most);
  }
}

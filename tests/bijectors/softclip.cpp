#include <bijou/bijectors/elementwise/softclip.hpp>

#include <stdexcept>

#include "bijectors/function_check.hpp"

using namespace function_check;
using Catch::Matchers::Contains;

static_assert(softclip_map(5).function.low == -5 && softclip_map(5).function.high == 5);

TEMPLATE_TEST_CASE("softclip_function: formula, slopes and inverse", "[bijectors][softclip]", float,
                   double) {
  for (const double b : {2.7, 5.0, 300.0}) { // 2.7 is none of a float's numbers
    INFO("bound = " << b);
    const auto bound = static_cast<long double>(b);
    const auto reference = [=](long double x) { return x / (1 + std::abs(x) / bound); };
    check_function<TestType>(softclip_function{b}, reference, TestType(-3.01), TestType(2.02));
    check_function<TestType>(softclip_function{b}, reference, TestType(-30.1), TestType(43.3));
    check_far_out<TestType>(softclip_function{b});
  }
}

TEMPLATE_TEST_CASE("softclip_function: the inverse keeps its digits up to both ends",
                   "[bijectors][softclip]", float, double) {
  using T = TestType;
  using P = simd::pack<T>;
  using limits = std::numeric_limits<T>;
  for (const double b : {0.1, 5.0, 1e10}) {
    const softclip_function f{b};
    const T end = static_cast<T>(b);
    T beside = std::nextafter(end, T(0));
    for (int i = 0; i < 3; ++i, beside = std::nextafter(beside, T(0))) {
      INFO("bound " << b << ", y = " << beside);
      const long double y = beside, exact = b * y / (b - y);
      CHECK(std::abs(f.inverse(P(beside))[0] - exact) <= 4 * limits::epsilon() * exact);
      CHECK(f.inverse(P(-beside))[0] == -f.inverse(P(beside))[0]);
    }
    // On an end and beyond it: as the number beside it.
    const T last = f.inverse(P(std::nextafter(end, T(0))))[0];
    for (const T y : {end, T(2 * end), limits::infinity()}) {
      CHECK(f.inverse(P(y))[0] == Approx(last).epsilon(4 * limits::epsilon()));
      CHECK(f.inverse(P(-y))[0] == -f.inverse(P(y))[0]);
    }
  }
}

TEMPLATE_TEST_CASE("softclip_function: far out", "[bijectors][softclip]", float, double) {
  using T = TestType;
  using P = simd::pack<T>;
  using limits = std::numeric_limits<T>;
  const T inf = limits::infinity(), most = limits::max();
  for (const double b : {0.1, 1.0, 5.0, 1e-15, 1e15}) {
    INFO("bound = " << b);
    const softclip_function f{b};
    for (const T x : {T(1e20), T(1e30), most, inf}) {
      INFO("x = " << x);
      const T y = f.forward(P(x))[0];
      const long double bound = b;
      const long double exact = x == inf ? bound : x / (1 + x / bound);
      CHECK(y <= b); // the double: a float may be the one above
      CHECK(std::abs(y - exact) <= 2 * limits::epsilon() * exact);
      CHECK(f.forward(P(-x))[0] == -y);
      if (x == inf) continue;
      const auto l = static_cast<double>(-2 * std::log1p(static_cast<long double>(x) / bound));
      CHECK(f.log_abs_slope(P(x))[0] == Approx(l).epsilon(4 * limits::epsilon()));
      CHECK(f.log_abs_slope(P(-x))[0] == f.log_abs_slope(P(x))[0]);
      CHECK(std::isfinite(f.slope(P(x)).slope[0]));
    }
    CHECK(f.log_abs_slope(P(inf))[0] == -inf);
    CHECK(f.slope(P(-inf)).dlog[0] == 0);
  }
}

TEST_CASE("softclip_map refuses a bound that bounds nothing", "[bijectors][softclip]") {
  const auto says = Contains("softclip_map(bound): expected a finite bound > 0");
  CHECK_THROWS_WITH(softclip_map(0), says && Contains("got 0"));
  CHECK_THROWS_WITH(softclip_map(-5), says && Contains("got -5"));
  CHECK_THROWS_WITH(softclip_map(std::numeric_limits<double>::infinity()), says);
  CHECK_THROWS_AS(softclip_map(std::nan("")), std::invalid_argument);
  CHECK_NOTHROW(softclip_function{1e20}.check_options<double>());
  CHECK_THROWS_WITH(softclip_function{1e20}.check_options<float>(),
                    "softclip_map(1e+20): in float the bound is out of range: use "
                    "make_flow<double>, or scale the data");
  CHECK_THROWS_WITH(softclip_function{1e-200}.check_options<double>(), Contains("in double"));
}

#include <bijou/bijectors/elementwise/leaky_tanh.hpp>

#include <stdexcept>

#include "bijectors/function_check.hpp"

using namespace function_check;
using Catch::Matchers::Contains;

static_assert(leaky_tanh_map(3).function.linear_from == 3);

namespace {
/// The formula as it stands in the header.
long double leaky_tanh(long double m, long double x) {
  if (std::abs(x) <= m) return std::tanh(x);
  const long double c = std::cosh(m), far = std::tanh(m) + (std::abs(x) - m) / (c * c);
  return x < 0 ? -far : far;
}
} // namespace

TEMPLATE_TEST_CASE("leaky_tanh_function: formula, slopes and inverse", "[bijectors][leaky_tanh]",
                   float, double) {
  for (const double m : {0.001, 0.3, 1.1, 3.0, 5.0}) { // no point on the kink of the slope
    INFO("max = " << m);
    const auto reference = [=](long double x) { return leaky_tanh(m, x); };
    check_function<TestType>(leaky_tanh_function{m}, reference, TestType(-1.93), TestType(1.77));
    check_function<TestType>(leaky_tanh_function{m}, reference, TestType(-7.95), TestType(20.35));
    check_far_out<TestType>(leaky_tanh_function{m});
  }
}

TEMPLATE_TEST_CASE("leaky_tanh_function: both pieces meet where the middle ends",
                   "[bijectors][leaky_tanh]", float, double) {
  using T = TestType;
  using P = simd::pack<T>;
  using limits = std::numeric_limits<T>;
  const leaky_tanh_function f{2};
  // Python: tanh 2, 1 / cosh(2)^2 and its logarithm
  const double end = 0.96402758007581688395, slope = 0.07065082485316446568;
  const double log_slope = -2.65000549471572904;
  for (const T x : {T(2), std::nextafter(T(2), T(3)), T(-2), std::nextafter(T(-2), T(-3))}) {
    INFO("x = " << x);
    CHECK(f.forward(P(x))[0] == Approx(x < 0 ? -end : end).epsilon(4 * limits::epsilon()));
    CHECK(f.slope(P(x)).slope[0] == Approx(slope).epsilon(8 * limits::epsilon()));
    CHECK(f.log_abs_slope(P(x))[0] == Approx(log_slope).epsilon(4 * limits::epsilon()));
    CHECK(f.inverse(P(f.forward(P(x))[0]))[0] == Approx(x).epsilon(32 * limits::epsilon()));
  }
  CHECK(f.slope(P(T(2))).dlog[0] == Approx(-2 * end).epsilon(4 * limits::epsilon()));
  CHECK(f.slope(P(T(2.5))).dlog[0] == 0);
  CHECK(f.slope(P(T(-2.5))).dlog[0] == 0);
  CHECK(f.forward(P(T(12)))[0] == Approx(end + 10 * slope).epsilon(4 * limits::epsilon()));
  CHECK(f.inverse(P(T(-end - 10 * slope)))[0] == Approx(-12).epsilon(32 * limits::epsilon()));
  CHECK(std::signbit(f.forward(P(T(-0.0)))[0])); // the sign of a zero is kept
}

TEMPLATE_TEST_CASE("leaky_tanh_function: the ends of the line", "[bijectors][leaky_tanh]", float,
                   double) {
  using T = TestType;
  using P = simd::pack<T>;
  const T inf = std::numeric_limits<T>::infinity(), most = std::numeric_limits<T>::max();
  const leaky_tanh_function f{3};
  for (const T v : {inf, -inf}) {
    CHECK(f.forward(P(v))[0] == v);
    CHECK(f.inverse(P(v))[0] == v);
    CHECK(f.log_abs_slope(P(v))[0] == f.log_abs_slope(P(T(4)))[0]);
    CHECK(f.slope(P(v)).dlog[0] == 0);
  }
  CHECK(std::isfinite(f.forward(P(most))[0]));
  CHECK(f.inverse(P(most))[0] == inf); // a hundred times the largest number
}

TEST_CASE("leaky_tanh_map refuses a middle that is none", "[bijectors][leaky_tanh]") {
  const auto says = Contains("leaky_tanh_map(max): expected a finite max > 0");
  CHECK_THROWS_WITH(leaky_tanh_map(0), says && Contains("got 0"));
  CHECK_THROWS_WITH(leaky_tanh_map(-1), says && Contains("got -1"));
  CHECK_THROWS_WITH(leaky_tanh_map(std::numeric_limits<double>::infinity()), says);
  CHECK_THROWS_AS(leaky_tanh_map(std::nan("")), std::invalid_argument);
  // Where the middle ends, a float no longer tells tanh from 1.
  CHECK_NOTHROW(leaky_tanh_function{8.5}.check_options<float>());
  CHECK_THROWS_WITH(leaky_tanh_function{9}.check_options<float>(),
                    Contains("leaky_tanh_map(9): in float the slope from max on, 6.09") &&
                        Contains("use make_flow<double>, or choose a smaller max"));
  CHECK_NOTHROW(leaky_tanh_function{18}.check_options<double>());
  CHECK_THROWS_WITH(leaky_tanh_function{1e300}.check_options<double>(), Contains("in double"));
  CHECK_THROWS_WITH(leaky_tanh_function{1e-40}.check_options<float>(),
                    Contains("max is no normal number") && Contains("choose a larger max"));
}

TEST_CASE("e^v - 1 in constant expressions", "[bijectors][leaky_tanh]") {
  static_assert(detail::constexpr_expm1(0) == 0);
  for (const double v : {1e-300, 1e-8, 0.3, 0.5, 1.0, 6.0, 37.5, 600.0})
    CHECK(static_cast<double>(detail::constexpr_expm1(v)) == Approx(std::expm1(v)).epsilon(4e-16));
}

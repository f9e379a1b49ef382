#include <bijou/bijectors/elementwise/leaky_relu.hpp>

#include <stdexcept>

#include "bijectors/function_check.hpp"

using namespace function_check;

static_assert(leaky_relu_map().function.slope_below == 0.01); // PyTorch's

TEMPLATE_TEST_CASE("leaky_relu_function: formula, slopes and inverse", "[bijectors][leaky_relu]",
                   float, double) {
  for (const double slope : {0.01, 0.3, 1.0, 20.0}) { // no point on the kink
    const auto reference = [=](long double x) { return x > 0 ? x : slope * x; };
    check_function<TestType>(leaky_relu_function{slope}, reference, -20, 3);
    check_far_out<TestType>(leaky_relu_function{slope});
  }
}

TEMPLATE_TEST_CASE("leaky_relu_function: the kink belongs to the left", "[bijectors][leaky_relu]",
                   float, double) {
  using T = TestType;
  using P = simd::pack<T>;
  using limits = std::numeric_limits<T>;
  const leaky_relu_function f{0.01};
  const auto log_slope = Approx(-4.60517018598809136804).epsilon(limits::epsilon()); // mpmath
  for (const T x : {T(0), T(-0.0), -limits::denorm_min(), T(-1)}) {
    INFO("x = " << x);
    CHECK(f.slope(P(x)).slope[0] == T(0.01));
    CHECK(f.forward(math::variable(P(x))).derivative[0] == T(0.01));
    CHECK(f.log_abs_slope(P(x))[0] == log_slope);
    CHECK(f.slope(P(x)).dlog[0] == 0);
  }
  for (const T x : {limits::denorm_min(), T(1)}) {
    CHECK(f.slope(P(x)).slope[0] == 1);
    CHECK(f.log_abs_slope(P(x))[0] == 0);
  }
  CHECK(f.forward(P(T(0)))[0] == 0);
  CHECK(std::signbit(f.forward(P(T(-0.0)))[0])); // the sign of a zero is kept
  CHECK(std::signbit(f.inverse(P(T(-0.0)))[0]));
}

TEMPLATE_TEST_CASE("leaky_relu_function: the ends of the line", "[bijectors][leaky_relu]", float,
                   double) {
  using T = TestType;
  using P = simd::pack<T>;
  const T inf = std::numeric_limits<T>::infinity(), most = std::numeric_limits<T>::max();
  const leaky_relu_function f{0.01};
  for (const T v : {inf, -inf}) {
    CHECK(f.forward(P(v))[0] == v);
    CHECK(f.inverse(P(v))[0] == v);
  }
  CHECK(f.forward(P(most))[0] == most);
  CHECK(f.forward(P(-most))[0] == T(0.01) * -most);
  CHECK(f.inverse(P(-most))[0] == -inf); // 100 times the largest number
  CHECK(f.log_abs_slope(P(-inf))[0] == f.log_abs_slope(P(T(-1)))[0]);
}

TEST_CASE("leaky_relu_map refuses a slope without an inverse", "[bijectors][leaky_relu]") {
  const auto says = Catch::Contains("expected a finite slope > 0");
  CHECK_THROWS_WITH(leaky_relu_map(0), says && Catch::Contains("got 0"));
  CHECK_THROWS_WITH(leaky_relu_map(-0.01), says && Catch::Contains("got -0.01"));
  CHECK_THROWS_WITH(leaky_relu_map(std::numeric_limits<double>::infinity()), says);
  CHECK_THROWS_AS(leaky_relu_map(std::nan("")), std::invalid_argument);
  // A slope that float cannot hold to all its digits.
  const leaky_relu_function tiny{1e-40};
  CHECK_NOTHROW(tiny.check_options<double>());
  CHECK_THROWS_WITH(tiny.check_options<float>(),
                    "leaky_relu_map(1e-40): in float the slope is no normal number: use "
                    "make_flow<double>, or choose a slope nearer to 1");
}

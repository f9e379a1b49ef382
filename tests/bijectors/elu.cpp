#include <bijou/bijectors/elementwise/elu.hpp>

#include "bijectors/function_check.hpp"

using namespace function_check;

TEMPLATE_TEST_CASE("elu_function: formula, slopes and inverse", "[bijectors][elu]", float, double) {
  const auto reference = [](long double x) { return x > 0 ? x : std::expm1(x); };
  check_function<TestType>(elu_function{}, reference, TestType(-7.9), TestType(3.3));
  check_function<TestType>(elu_function{}, reference, TestType(-0.11), TestType(0.1));
  check_far_out<TestType>(elu_function{});
}

TEMPLATE_TEST_CASE("elu_function: the kink, the end at -1, and far out", "[bijectors][elu]", float,
                   double) {
  using T = TestType;
  using P = simd::pack<T>;
  using limits = std::numeric_limits<T>;
  const T inf = limits::infinity(), most = limits::max();
  const elu_function f;
  // At 0 the derivative of the log slope is that of the left.
  for (const T x : {T(0), T(-0.0)}) {
    CHECK(f.forward(P(x))[0] == 0);
    CHECK(f.log_abs_slope(P(x))[0] == 0);
    CHECK(f.slope(P(x)).slope[0] == 1);
    CHECK(f.slope(P(x)).dlog[0] == 1);
    CHECK(f.log_abs_slope(math::variable(P(x))).derivative[0] == 1);
  }
  CHECK(f.slope(P(limits::denorm_min())).dlog[0] == 0);
  CHECK(f.forward(P(-limits::denorm_min()))[0] == -limits::denorm_min());

  CHECK(f.forward(P(T(-50)))[0] == -1);
  CHECK(f.log_abs_slope(P(T(-50)))[0] == -50);
  const T beside = -1 + limits::epsilon() / 2;
  const double far = std::log(static_cast<double>(limits::epsilon()) / 2);
  CHECK(f.inverse(P(beside))[0] == Approx(far).epsilon(2 * limits::epsilon()));
  for (const T y : {T(-1), T(-2), -inf}) CHECK(f.inverse(P(y))[0] == f.inverse(P(beside))[0]);
  for (const T v : {most, inf}) {
    CHECK(f.forward(P(v))[0] == v);
    CHECK(f.inverse(P(v))[0] == v);
    CHECK(f.log_abs_slope(P(v))[0] == 0);
  }
  CHECK(f.forward(P(-inf))[0] == -1);
  CHECK(f.slope(P(-inf)).slope[0] == 0);
  CHECK(f.log_abs_slope(P(-inf))[0] == -inf);
}

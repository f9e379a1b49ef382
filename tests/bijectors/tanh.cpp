#include <bijou/bijectors/elementwise/tanh.hpp>

#include "bijectors/function_check.hpp"

using namespace function_check;

TEMPLATE_TEST_CASE("tanh_function: formula, slopes and inverse", "[bijectors][tanh]", float,
                   double) {
  check_function<TestType>(
      tanh_function{}, [](long double x) { return std::tanh(x); }, -5, 5);
  check_far_out<TestType>(tanh_function{});
}

TEMPLATE_TEST_CASE("tanh_function: y stays inside (-1, 1)", "[bijectors][tanh]", float, double) {
  using P = simd::pack<TestType>;
  const tanh_function f;
  for (const TestType x : {TestType(40), TestType(1e4)}) {
    CHECK(f.forward(P(x))[0] < 1);
    CHECK(f.forward(P(-x))[0] > -1);
    CHECK(f.log_abs_slope(P(-x))[0] == Approx(2 * (std::log(2.0) - double(x))));
  }
}

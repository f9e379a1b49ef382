#include <bijou/bijectors/elementwise/exp.hpp>

#include "bijectors/function_check.hpp"

using namespace function_check;

TEMPLATE_TEST_CASE("exp_function: formula, slopes and inverse", "[bijectors][exp]", float, double) {
  check_function<TestType>(
      exp_function{}, [](long double x) { return std::exp(x); }, -20, 20);
}

TEMPLATE_TEST_CASE("exp_function: the ends of the range", "[bijectors][exp]", float, double) {
  using P = simd::pack<TestType>;
  const exp_function f;
  const TestType inf = std::numeric_limits<TestType>::infinity();
  CHECK(f.forward(P(-1e4F))[0] == 0);
  CHECK(f.inverse(P(TestType(0)))[0] == -inf);
  CHECK(f.forward(P(1e4F))[0] == inf);
  CHECK(f.inverse(P(inf))[0] == inf);
}

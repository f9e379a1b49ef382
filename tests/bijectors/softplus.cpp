#include <bijou/bijectors/elementwise/softplus.hpp>

#include "bijectors/function_check.hpp"

using namespace function_check;

TEMPLATE_TEST_CASE("softplus_function: formula, slopes and inverse", "[bijectors][softplus]", float,
                   double) {
  check_function<TestType>(
      softplus_function{}, [](long double x) { return std::log1p(std::exp(x)); }, -20, 20);
}

TEMPLATE_TEST_CASE("softplus_function: the identity far to the right", "[bijectors][softplus]",
                   float, double) {
  using P = simd::pack<TestType>;
  const softplus_function f;
  CHECK(f.forward(P(1e4F))[0] == 1e4F);
  CHECK(f.inverse(P(1e4F))[0] == 1e4F);
  CHECK(f.log_abs_slope(P(1e4F))[0] == 0);
  CHECK(f.log_abs_slope(P(-1e4F))[0] == -1e4F);
}

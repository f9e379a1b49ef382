#include <bijou/networks/activations.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "catch.hpp"

using namespace bijou;

namespace {

// Values in long double: independent of the kernels' formulas.
long double logistic(long double z) { return 1 / (1 + std::exp(-z)); }
long double reference(activations::relu_t, long double z) { return z > 0 ? z : 0; }
long double reference(activations::leaky_relu_t, long double z) { return z > 0 ? z : z / 100; }
long double reference(activations::elu_t, long double z) { return z > 0 ? z : std::expm1(z); }
long double reference(activations::tanh_t, long double z) { return std::tanh(z); }
long double reference(activations::sigmoid_t, long double z) { return logistic(z); }
long double reference(activations::softplus_t, long double z) {
  return std::max(z, 0.0L) + std::log1p(std::exp(-std::abs(z)));
}
long double reference(activations::silu_t, long double z) { return z * logistic(z); }
long double reference(activations::gelu_t, long double z) {
  const long double u = std::sqrt(2 / std::acos(-1.0L)) * (z + 0.044715L * z * z * z);
  return 0.5L * z * (1 + std::tanh(u));
}
long double reference(activations::linear_t, long double z) { return z; }

template <class T, class Activation> T value(Activation f, T z) { return f(simd::pack<T>(z))[0]; }
template <class T, class Activation> T derivative(Activation f, T z) {
  return f.derivative(Activation::derivative_from_output ? f(simd::pack<T>(z))
                                                         : simd::pack<T>(z))[0];
}

// From the centre to far out; no point on a kink, where no difference quotient is the derivative.
std::vector<double> points() {
  std::vector<double> z;
  for (double v = 0.0078125; v < 90; v *= 1.25) {
    z.push_back(v);
    z.push_back(-v);
  }
  return z;
}

template <class T, class Activation> void check(Activation f) {
  static_assert(std::is_empty_v<Activation>);
  INFO(f.name);
  const T eps = std::numeric_limits<T>::epsilon();
  for (const double zd : points()) {
    const T z = T(zd);
    INFO("z = " << z);
    const long double w = reference(f, z);
    CHECK(std::abs(value(f, z) - w) <= 8 * eps * (std::abs(w) + 0.01L));
    const long double h = 1e-6L * std::max(1.0L, std::abs(static_cast<long double>(z)));
    const long double dw = (reference(f, z + h) - reference(f, z - h)) / (2 * h);
    CHECK(std::abs(derivative(f, z) - dw) <= 16 * eps + 1e-11L);
  }
  CHECK(std::isnan(value(f, std::numeric_limits<T>::quiet_NaN())));
  for (const T z : {T(1e4), T(-1e4), T(1e18), T(-1e18), std::numeric_limits<T>::min()}) {
    INFO("z = " << z);
    CHECK(std::isfinite(value(f, z)));
    CHECK(std::isfinite(derivative(f, z)));
  }
}

} // namespace

TEMPLATE_TEST_CASE("activations agree with their formulas and have the derivatives they state",
                   "[networks][activations]", float, double) {
  check<TestType>(activations::relu);
  check<TestType>(activations::leaky_relu);
  check<TestType>(activations::elu);
  check<TestType>(activations::tanh);
  check<TestType>(activations::sigmoid);
  check<TestType>(activations::softplus);
  check<TestType>(activations::silu);
  check<TestType>(activations::gelu);
  check<TestType>(activations::linear);
}

TEMPLATE_TEST_CASE("a NaN in one lane touches no other lane", "[networks][activations]", float,
                   double) {
  using P = simd::pack<TestType>;
  alignas(64) TestType z[P::size];
  for (TestType& v : z) v = TestType(0.5);
  z[P::size - 1] = std::numeric_limits<TestType>::quiet_NaN();
  const P h = activations::relu(P::load(z));
  CHECK(h[0] == TestType(0.5));
  CHECK(std::isnan(h[P::size - 1]));
}

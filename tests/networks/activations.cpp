#include <bijou/networks/activations.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "../support/emulated.hpp"
#include "../support/numerics.hpp"
#include "catch.hpp"

using namespace bijou;

namespace {

// Values in long double: independent of the kernels' formulas.
long double logistic_cdf(long double z) { return 1 / (1 + std::exp(-z)); }
long double reference(activations::relu_t, long double z) { return z > 0 ? z : 0; }
long double reference(activations::leaky_relu_t, long double z) { return z > 0 ? z : z / 100; }
long double reference(activations::elu_t, long double z) { return z > 0 ? z : std::expm1(z); }
long double reference(activations::selu_t, long double z) {
  return 1.0507009873554804934193349852946L *
         (z > 0 ? z : 1.6732632423543772848170429916717L * std::expm1(z));
}
long double reference(activations::tanh_t, long double z) { return std::tanh(z); }
long double reference(activations::sigmoid_t, long double z) { return logistic_cdf(z); }
long double reference(activations::softplus_t, long double z) {
  return std::max(z, 0.0L) + std::log1p(std::exp(-std::abs(z)));
}
long double reference(activations::silu_t, long double z) { return z * logistic_cdf(z); }
long double normal_below(long double z) { return std::erfc(-z / std::sqrt(2.0L)) / 2; }
long double normal_density(long double z) {
  return std::exp(-z * z / 2) / std::sqrt(2 * std::acos(-1.0L));
}
long double reference(activations::gelu_t, long double z) { return z * normal_below(z); }
long double reference(activations::gelu_tanh_t, long double z) {
  const long double u = std::sqrt(2 / std::acos(-1.0L)) * (z + 0.044715L * z * z * z);
  return 0.5L * z * (1 + std::tanh(u));
}
long double reference(activations::mish_t, long double z) {
  return z * std::tanh(reference(activations::softplus_t{}, z));
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
  check<TestType>(activations::selu);
  check<TestType>(activations::tanh);
  check<TestType>(activations::sigmoid);
  check<TestType>(activations::softplus);
  check<TestType>(activations::silu);
  check<TestType>(activations::gelu);
  check<TestType>(activations::gelu_tanh);
  check<TestType>(activations::mish);
  check<TestType>(activations::linear);
}

TEMPLATE_TEST_CASE("relu: the kink belongs to the left, with every way to its slope",
                   "[networks][activations]", float, double) {
  using P = simd::pack<TestType>;
  using activations::relu;
  const TestType nan = std::numeric_limits<TestType>::quiet_NaN();
  const P g(TestType(3));
  for (const TestType h : {TestType(0), TestType(-0.0)}) {
    CHECK(value(relu, h) == 0);
    CHECK(derivative(relu, h) == 0);
    CHECK(relu.pull_back(P(h), g)[0] == 0);
  }
  CHECK(relu.pull_back(P(std::numeric_limits<TestType>::denorm_min()), g)[0] == 3);
  CHECK(relu.pull_back(P(TestType(2)), g)[0] == 3);
  CHECK(relu.pull_back(P(nan), g)[0] == 3);
  CHECK(std::isnan(relu.pull_back(P(TestType(2)), P(nan))[0]));
}

TEMPLATE_TEST_CASE("gelu: the error form to a few units in the last place, on every lane",
                   "[networks][activations]", float, double) {
  using T = TestType;
  using P = simd::pack<T>;
  using limits = std::numeric_limits<T>;
  constexpr bool single = sizeof(T) == 4;
  // From where e^(-z^2/2) is a normal number, through the centre, to where gelu(z) = z.
  struct range {
    double from, to, ulp;
  };
  const double start = single ? -13.2 : -37.6, most = single ? 8 : 12;
  std::mt19937_64 generator(7);
  for (const auto& [from, to, ulp] :
       {range{start, 0, most}, range{-2, 0, most}, range{-1e-3, 1e-3, 4}, range{0, 9, 4}}) {
    std::uniform_real_distribution<double> uniform(from, to);
    double worst = 0, worst_slope = 0;
    for (int i = 0; i < testing::trials(20000); ++i) {
      alignas(64) T z[P::size], value[P::size], slope[P::size];
      for (T& v : z) v = static_cast<T>(uniform(generator));
      activations::gelu(P::load(z)).store(value);
      activations::gelu.derivative(P::load(z)).store(slope);
      for (int lane = 0; lane < P::size; ++lane) {
        const long double exact = z[lane], below = normal_below(exact);
        const long double rise = exact * normal_density(exact), right = exact * below;
        int exponent = 0;
        (void)std::frexp(static_cast<T>(right), &exponent);
        const long double place =
            std::ldexp(1.0L, std::max(exponent, limits::min_exponent) - limits::digits);
        worst = testing::worse(worst, static_cast<double>(std::abs(value[lane] - right) / place));
        const long double scale = limits::epsilon() * (below + std::abs(rise));
        worst_slope = testing::worse(
            worst_slope, static_cast<double>(std::abs(slope[lane] - (below + rise)) / scale));
      }
    }
    CAPTURE(from, to, worst, worst_slope);
    CHECK(worst <= ulp);
    CHECK(worst_slope <= 3);
  }

  // mpmath, 25 digits, of both forms.
  const auto near = [](T a, double b) {
    return std::abs(a - b) <= 12 * limits::epsilon() * std::abs(b);
  };
  CHECK(near(value(activations::gelu, T(1)), 0.84134474606854294859));
  CHECK(near(value(activations::gelu, T(-1)), -0.15865525393145705141));
  CHECK(near(value(activations::gelu, T(-5)), -1.4332578593959695584e-6));
  CHECK(near(value(activations::gelu_tanh, T(1)), 0.84119199060827670431));

  // What has no digits left is 0 or z; nothing finite becomes NaN, and a NaN stays one.
  const T huge = limits::max(), inf = limits::infinity(), tiny = limits::denorm_min();
  for (const T z : {huge, inf}) {
    CHECK(value(activations::gelu, z) == z);
    CHECK(value(activations::gelu, -z) == 0);
    CHECK(derivative(activations::gelu, z) == 1);
    CHECK(derivative(activations::gelu, -z) == 0);
  }
  CHECK(value(activations::gelu, T(0)) == 0);
  CHECK(std::abs(value(activations::gelu, tiny)) <= tiny);
  CHECK(std::isnan(value(activations::gelu, limits::quiet_NaN())));
  CHECK(std::isnan(derivative(activations::gelu, limits::quiet_NaN())));
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

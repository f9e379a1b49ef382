#include <bijou/kernels/atan.hpp>
#include <bijou/kernels/dual.hpp>

#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "catch.hpp"

using namespace bijou;

namespace {

// Every function once, written as a user writes: scalars mixed in, functions found by name.
struct all_functions {
  template <class X> X operator()(X x) const {
    using namespace bijou::math;
    const X a = exp(0.5 * x) + log(x * x + 1.0) - log1p(x * x) / 3;
    const X b = expm1(x) * tanh(x) + sigmoid(x) * log_sigmoid(2 * x) - softplus(x - 1);
    const X c = sqrt(abs(x) + 0.25) + min(x, X(0.25)) * max(X(-0.125), x);
    const X d = select(x < X(0), x * x, 1 / (1 + x)) + fma(x, a, b) - fnma(b, x, c);
    X e = -d;
    e += x;
    e *= 2;
    e -= a;
    e /= 3;
    return e + a * b - sin(x) * cos(2 * x) + atan(x);
  }
};

template <class T>
const std::vector<T> points{T(-2.5), T(-1), T(-0.1), T(0.05), T(0.7), T(1.5), T(3)};

} // namespace

TEMPLATE_TEST_CASE("dual numbers carry the derivative that central differences find",
                   "[kernels][dual]", float, double) {
  using T = TestType;
  using P = simd::pack<T>;
  const all_functions f;
  for (const T x : points<T>) {
    INFO("x = " << x);
    const dual<P> y = f(math::variable(P(x)));
    CHECK(y.value[0] == f(P(x))[0]);
    const double h = 1e-5, at = static_cast<double>(x);
    const double d = (f(at + h) - f(at - h)) / (2 * h);
    CHECK(y.derivative[0] == Approx(d).epsilon(sizeof(T) == 4 ? 1e-5 : 1e-8));
    CHECK(y.derivative[P::size - 1] == y.derivative[0]);
  }
}

TEST_CASE("dual numbers nest: second derivatives, on packs and on scalars", "[kernels][dual]") {
  using P = simd::pack<double>;
  const all_functions f;
  for (const double x : points<double>) {
    INFO("x = " << x);
    const auto y = f(math::variable(math::variable(P(x))));
    static_assert(std::is_same_v<decltype(y), const dual<dual<P>>>);
    const auto first = [&](double v) { return f(math::variable(v)).derivative; };
    CHECK(y.derivative.value[0] == Approx(first(x)).epsilon(1e-14));
    CHECK(y.value.derivative[0] == Approx(first(x)).epsilon(1e-14));
    const double h = 1e-5;
    CHECK(y.derivative.derivative[0] ==
          Approx((first(x + h) - first(x - h)) / (2 * h)).epsilon(1e-7));
  }
}

TEST_CASE("dual numbers: derivatives far out are small, not cancelled", "[kernels][dual]") {
  const auto at = [](auto g, double x) { return g(math::variable(x)).derivative; };
  const auto sigmoid = [](auto x) { return math::sigmoid(x); };
  const auto tanh = [](auto x) { return math::tanh(x); };
  CHECK(at(sigmoid, 50) == Approx(std::exp(-50.0)).epsilon(1e-14));
  CHECK(at(sigmoid, -50) == Approx(std::exp(-50.0)).epsilon(1e-14));
  CHECK(at(tanh, 30) == Approx(4 * std::exp(-60.0)).epsilon(1e-14));
  CHECK(at(tanh, 0) == 1);
  CHECK(at(sigmoid, 0) == 0.25);
}

TEST_CASE("dual numbers: constants have derivative 0, NaN stays", "[kernels][dual]") {
  using P = simd::pack<float>;
  using X = dual<P>;
  const X c = 0.5;
  CHECK(c.derivative[0] == 0);
  CHECK(X(P(2)).derivative[0] == 0);
  CHECK(dual<X>(P(2)).derivative.value[0] == 0);
  CHECK((2 * X(P(3), P(5))).derivative[0] == 10);
  CHECK((P(2) * X(P(3), P(5))).derivative[0] == 10);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const X y = math::exp(X(P(nan), P(1)));
  CHECK(std::isnan(y.value[0]));
  CHECK(std::isnan(y.derivative[0]));
  CHECK(simd::all(math::isnan(y)));
}

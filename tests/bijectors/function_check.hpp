#pragma once
// What the function struct of every fixed elementwise word must satisfy.

#include <bijou/kernels/dual.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/transformers/transformer.hpp>

#include <cmath>
#include <limits>

#include "catch.hpp"

namespace function_check {

using namespace bijou;

// Value against `reference(x)` in long double, log slope and derivatives against dual numbers of
// the same formulas and against central differences of the reference; inverse against forward.
template <class T, class F, class Reference>
void check_function(const F& f, Reference reference, T low, T high) {
  using P = simd::pack<T>;
  const double eps = std::numeric_limits<T>::epsilon();
  for (int i = 0; i <= 64; ++i) {
    const T x = low + (high - low) * T(i) / T(64);
    INFO("x = " << x);
    const T y = f.forward(P(x))[0], l = f.log_abs_slope(P(x))[0];
    const auto exact = reference(static_cast<long double>(x));
    CHECK(std::abs(y - exact) <= 4 * eps * std::abs(exact));
    CHECK(f.forward(x) == y); // scalars give the same bits

    const auto seed = math::variable(P(x));
    const slopes<P> s = f.slope(P(x));
    const double slope = static_cast<double>(s.slope[0]);
    CHECK(static_cast<double>(f.forward(seed).derivative[0]) == Approx(slope).epsilon(8 * eps));
    CHECK(std::abs(f.log_abs_slope(seed).derivative[0] - s.dlog[0]) <= T(8 * eps));
    CHECK(std::abs(l - std::log(s.slope[0])) <= T(4 * eps) * (1 + std::abs(l)));
    const long double h = 1e-5L;
    const long double d = (reference(x + h) - reference(x - h)) / (2 * h);
    CHECK(slope == Approx(static_cast<double>(d)).epsilon(8 * eps + 1e-9));

    // y knows x to one rounding of y, times how steep the inverse is.
    const T back = f.inverse(P(y))[0];
    CHECK(std::abs(double(back) - double(x)) <=
          8 * eps * (std::abs(double(x)) + std::abs(double(y)) / slope + 1));
  }
  const T nan = std::numeric_limits<T>::quiet_NaN();
  CHECK(std::isnan(f.forward(P(nan))[0]));
  CHECK(std::isnan(f.inverse(P(nan))[0]));
  CHECK(std::isnan(f.log_abs_slope(P(nan))[0]));
}

// Round trips and log slopes stay finite however far out x is.
template <class T, class F> void check_far_out(const F& f) {
  using P = simd::pack<T>;
  for (const T x : {T(50), T(-50), T(120), T(-120), T(1e4), T(-1e4)}) {
    INFO("x = " << x);
    CHECK(std::isfinite(f.inverse(f.forward(P(x)))[0]));
    CHECK(std::isfinite(f.log_abs_slope(P(x))[0]));
    CHECK(std::isfinite(f.slope(P(x)).dlog[0]));
  }
}

} // namespace function_check

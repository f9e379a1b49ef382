/// \file
/// x^p by one exponent for all lanes, against powl.

#include <bijou/kernels/power.hpp>

#include <cmath>
#include <limits>
#include <random>

#include "../catch.hpp"

using namespace bijou;
using math::power_exponent;

namespace {

/// The greatest error in units of epsilon times the value, of x over all normal numbers whose power
/// is one, too.
template <class T> double worst_error(long double p) {
  using limits = std::numeric_limits<T>;
  std::mt19937_64 bits(7);
  const power_exponent<T> exponent(p);
  const long double reach = std::min<long double>(1, 0.999L / std::abs(p));
  double worst = 0;
  for (int i = 0; i < 20'000; ++i) {
    const double unit = static_cast<double>(bits() >> 11U) * 0x1p-53 * 2 - 1;
    const T x = static_cast<T>(
        std::exp2(static_cast<long double>(unit) * reach * (limits::max_exponent - 2)));
    const long double exact = std::pow(static_cast<long double>(x), p);
    const T y = math::power(x, exponent);
    REQUIRE(std::isfinite(y));
    worst = std::max(worst, static_cast<double>(std::abs(y - exact) / exact) / limits::epsilon());
  }
  return worst;
}

} // namespace

TEMPLATE_TEST_CASE("power: errors grow with the exponent, not with the logarithm of x", "[kernels]",
                   float, double) {
  for (const long double p : {1.0L, 2.0L, 3.0L, 0.5L, 1 / 3.0L, 0.1L, -1.0L, -2.5L, 7.25L, 20.0L,
                              -100.0L, 0.01L, 1.0L + 1.0L / 3}) {
    INFO("p = " << static_cast<double>(p));
    CHECK(worst_error<TestType>(p) <= 3 + 0.7 * static_cast<double>(std::abs(p)));
  }
}

TEMPLATE_TEST_CASE("power: subnormal numbers, overflow, and what is no positive number",
                   "[kernels]", float, double) {
  using T = TestType;
  using limits = std::numeric_limits<T>;
  const T inf = limits::infinity(), tiny = limits::denorm_min(), nan = limits::quiet_NaN();
  const power_exponent<T> half(0.5L), third(1 / 3.0L), two(2), none(0), minus_two(-2), huge(1e30L);
  const auto close = [](T a, long double b) {
    return std::abs(a - b) <= 4 * limits::epsilon() * std::abs(b);
  };
  CHECK(close(math::power(tiny, half), std::sqrt(static_cast<long double>(tiny))));
  CHECK(close(math::power(tiny, third), std::cbrt(static_cast<long double>(tiny))));
  CHECK(
      close(math::power(limits::max(), half), std::sqrt(static_cast<long double>(limits::max()))));
  // A result may be subnormal: it is off by one of these numbers at most.
  const T root = std::sqrt(limits::min()) / 8;
  CHECK(std::abs(math::power(root, two) - root * root) <= tiny);
  CHECK(math::power(T(0x1.8p600), two) == (sizeof(T) == 4 ? inf : T(inf)));
  CHECK(math::power(limits::min(), two) == 0);
  CHECK(math::power(limits::min(), minus_two) == inf);
  CHECK(math::power(limits::max(), minus_two) == 0);
  CHECK(math::power(T(1.5), huge) == inf);
  CHECK(math::power(T(0.5), huge) == 0);
  CHECK(math::power(T(1), huge) == 1);
  for (const T zero : {T(0), T(-0.0)}) {
    CHECK(math::power(zero, two) == 0);
    CHECK(math::power(zero, minus_two) == inf);
    CHECK(math::power(zero, none) == 1);
  }
  CHECK(math::power(inf, two) == inf);
  CHECK(math::power(inf, minus_two) == 0);
  CHECK(math::power(inf, none) == 1);
  CHECK(close(math::power(T(3), none), 1));
  CHECK(std::isnan(math::power(nan, two)));
  CHECK(std::isnan(math::power(nan, none)));
  CHECK(std::isnan(math::power(T(-1), two)));
  CHECK(std::isnan(math::power(-inf, two)));
}

TEMPLATE_TEST_CASE("power: a dual brings p x^(p - 1)", "[kernels]", float, double) {
  using T = TestType;
  using P = simd::pack<T>;
  for (const double p : {2.0, 0.5, -1.5})
    for (const double x : {0.01, 1.0, 30.0}) {
      const auto y = math::power(math::variable(P(T(x))), power_exponent<T>(p));
      CHECK(y.value[0] == math::power(T(x), power_exponent<T>(p)));
      CHECK(
          y.derivative[0] ==
          Approx(p * std::pow(double(T(x)), p - 1)).epsilon(8 * std::numeric_limits<T>::epsilon()));
    }
  // At 0 the derivative is that at the smallest normal number.
  const auto y = math::power(math::variable(P(T(0))), power_exponent<T>(0.5L));
  CHECK(y.derivative[0] == Approx(0.5 / std::sqrt(double(std::numeric_limits<T>::min()))));
}

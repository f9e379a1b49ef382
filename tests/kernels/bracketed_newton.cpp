/// \file
/// Bracketed Newton: roots of rising functions, whatever the neighbours in a register do.

#include <bijou/kernels/bracketed_newton.hpp>

#include <cmath>
#include <limits>

#include "../catch.hpp"
#include "../support/numerics.hpp"

using namespace bijou;
using bijou::detail::bracketed_newton;
using bijou::detail::newton_point;

namespace {

/// Lane i is f(i).
template <class T, class F> simd::pack<T> lanes_of(F&& f) {
  alignas(64) T lanes[simd::pack<T>::size];
  for (int i = 0; i < simd::pack<T>::size; ++i) lanes[i] = f(i);
  return simd::pack<T>::load(lanes);
}

/// The root of x / sqrt(1 + x^2) = c: from |x| > 1 Newton by itself runs away.
template <class T> simd::pack<T> root_of(simd::pack<T> c, int& steps) {
  using pack = simd::pack<T>;
  return bracketed_newton(pack(T(5)), pack(T(-100)), pack(T(100)), [&](pack x) {
    ++steps;
    const pack root = sqrt(fma(x, x, pack(T(1))));
    return newton_point<T>{x / root - c, pack(T(1)) / (root * root * root),
                           pack(2 * std::numeric_limits<T>::epsilon())};
  });
}

} // namespace

TEMPLATE_TEST_CASE("bracketed_newton finds what Newton's method alone would leave", "[kernels]",
                   float, double) {
  using T = TestType;
  const auto c = lanes_of<T>([](int i) { return T(0.3) * static_cast<T>(i % 4) - T(0.4); });
  int steps = 0;
  const auto x = root_of(c, steps);
  CHECK(steps < 25);
  for (int i = 0; i < simd::pack<T>::size; ++i)
    CHECK(testing::near(x[i], c[i] / std::sqrt(1 - c[i] * c[i]),
                        10 * std::numeric_limits<T>::epsilon()));
}

TEMPLATE_TEST_CASE("bracketed_newton: a lane with a NaN stops at once, where it is", "[kernels]",
                   float, double) {
  using T = TestType;
  const T nan = std::numeric_limits<T>::quiet_NaN(), start = T(5);
  int steps = 0;
  const auto all = root_of(simd::pack<T>(nan), steps);
  CHECK(steps == 1);
  for (int i = 0; i < simd::pack<T>::size; ++i) CHECK(testing::same_bits(all[i], start));
  // Beside a lane that has a root and takes as many steps as alone.
  int alone = 0;
  root_of(simd::pack<T>(T(0.3)), alone);
  steps = 0;
  const auto mixed = root_of(lanes_of<T>([&](int i) { return i == 0 ? T(0.3) : nan; }), steps);
  CHECK(steps == alone);
  for (int i = 1; i < simd::pack<T>::size; ++i) CHECK(testing::same_bits(mixed[i], start));
}

TEMPLATE_TEST_CASE("bracketed_newton: a lane's bits do not depend on its neighbours", "[kernels]",
                   float, double) {
  using T = TestType;
  int steps = 0;
  for (const T c : {T(0), T(-0.3), T(0.95)}) {
    const T alone = root_of(simd::pack<T>(c), steps).first();
    // Beside lanes that stop at once, that never stop (2 has no root) and that have a root.
    for (const T other : {std::numeric_limits<T>::quiet_NaN(), T(2), T(0.1)})
      for (int at = 0; at < simd::pack<T>::size; ++at) {
        const auto x = root_of(lanes_of<T>([&](int i) { return i == at ? c : other; }), steps);
        REQUIRE(testing::same_bits(x[at], alone));
      }
  }
}

/// \file
/// The root of z + k tanh z = c: accuracy, symmetry, number of steps, ends of the range, the same
/// bits in every lane.

#include <bijou/bijectors/residual/ridge_root.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <vector>

#include "../catch.hpp"
#include "../support/emulated.hpp"
#include "../support/numerics.hpp"

using namespace bijou;
using bijou::detail::ridge_root;
using bijou::testing::same_bits;
using bijou::testing::trials;

namespace {

template <class T> T root_of(T stretch, T c) {
  return ridge_root(simd::pack<T>(stretch), simd::pack<T>(c)).first();
}

/// From `first` to `last` in equal factors.
std::vector<double> factors(double first, double last, int n) {
  std::vector<double> v(static_cast<std::size_t>(n));
  for (int i = 0; double& x : v) x = first * std::pow(last / first, i++ / (n - 1.0));
  return v;
}

/// By bisection.
double exact_root(double stretch, double c) {
  const long double k = static_cast<long double>(stretch) - 1;
  long double low = c - std::abs(k), high = c + std::abs(k);
  for (int i = 0; i < 110; ++i) {
    const long double middle = (low + high) / 2;
    (middle + k * std::tanh(middle) < c ? low : high) = middle;
  }
  return static_cast<double>((low + high) / 2);
}

} // namespace

TEMPLATE_TEST_CASE("ridge_root: to the last places that its terms have", "[bijectors]", float,
                   double) {
  using T = TestType;
  constexpr auto epsilon = static_cast<double>(std::numeric_limits<T>::epsilon());
  for (const double stretch : factors(1e-3, 1e5, trials(60)))
    for (const double c : factors(1e-6, 3 * stretch + 30, trials(100))) {
      const auto s = static_cast<T>(stretch), height = static_cast<T>(c);
      const T z = root_of(s, height);
      const auto exact = exact_root(static_cast<double>(s), static_cast<double>(height));
      const double t = std::tanh(exact), slope = t * t + (1 - t * t) * stretch;
      // Roundings of the tanh and of its product, and of the root itself.
      const double moved = 2.5 * epsilon * std::abs((stretch - 1) * t) / slope + epsilon * exact;
      CAPTURE(stretch, c);
      REQUIRE(std::abs(static_cast<double>(z) - exact) <= moved);
      REQUIRE(same_bits(root_of(s, -height), -z));
    }
}

TEMPLATE_TEST_CASE("ridge_root: few steps, and a bounded number at the border", "[bijectors]",
                   float, double) {
  using T = TestType;
  const auto most_steps = [](double least, double largest) {
    int most = 0;
    for (const double stretch : factors(least, largest, trials(200)))
      for (const double c : factors(1e-20, 1e20, trials(500))) {
        int steps = 0;
        const bijou::detail::positive_ridge<T> equation(simd::pack<T>(static_cast<T>(stretch)),
                                                        simd::pack<T>(static_cast<T>(c)));
        bijou::detail::bracketed_newton(equation.start, equation.low, equation.high,
                                        [&](simd::pack<T> z) {
                                          ++steps;
                                          return equation(z);
                                        });
        most = std::max(most, steps);
      }
    return most;
  };
  CHECK(most_steps(0.1, 10) <= 6);
  CHECK(most_steps(1e-3, 1e3) <= 10);
  CHECK(most_steps(1e-30, 1e8) <= 45);
}

TEMPLATE_TEST_CASE("ridge_root: ends of the range", "[bijectors]", float, double) {
  using T = TestType;
  constexpr T inf = std::numeric_limits<T>::infinity();
  for (const T stretch : {T(0), T(1e-30), T(0.5), T(1), T(7), T(1e20)}) {
    CAPTURE(stretch);
    CHECK(testing::near(root_of(stretch, T(0)), 0, stretch > 0 ? 0 : 1e-3));
    CHECK(testing::near(root_of(stretch, T(1e30)), 1e30, 1e23));
    CHECK(root_of(stretch, inf) == inf);
    CHECK(root_of(stretch, -inf) == -inf);
    CHECK(std::isnan(root_of(stretch, std::numeric_limits<T>::quiet_NaN())));
    // Not flat even where the slope vanishes: z^3 / 3 = 1e-3.
    if (stretch < T(0.1)) CHECK(testing::near(root_of(stretch, T(1e-3)), 0.14457, 1e-4));
  }
}

TEMPLATE_TEST_CASE("ridge_root: a lane's bits do not depend on its neighbours", "[bijectors]",
                   float, double) {
  using T = TestType;
  constexpr T inf = std::numeric_limits<T>::infinity();
  for (const T stretch : {T(0), T(1e-12), T(0.01), T(1), T(3), T(1e4)})
    for (const T c : {T(0), T(1e-6), T(0.7), T(-2), T(30)}) {
      const T alone = root_of(stretch, c);
      for (const T other :
           {std::numeric_limits<T>::quiet_NaN(), inf, T(1e-9), T(1), T(0.99) * stretch, T(1e30)})
        for (int at = 0; at < simd::pack<T>::size; ++at) {
          alignas(64) T heights[simd::pack<T>::size];
          std::fill(std::begin(heights), std::end(heights), other);
          heights[at] = c;
          REQUIRE(same_bits(ridge_root(simd::pack<T>(stretch), simd::pack<T>::load(heights))[at],
                            alone));
        }
    }
}

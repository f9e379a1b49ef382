#include <bijou/random/normal.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "../catch.hpp"
#include "../support/numerics.hpp"

using bijou::fill_normal;
using bijou::philox;
using bijou::testing::kolmogorov_smirnov;
using bijou::testing::normal_cdf;

namespace {

template <class T> std::vector<T> event(const philox& noise, std::uint64_t sample, int D) {
  std::vector<T> z(static_cast<std::size_t>(D));
  fill_normal(noise, sample, std::span<T>(z));
  return z;
}

template <class T> bool same_bits(T a, T b) {
  return std::bit_cast<bijou::simd::word<T>>(a) == std::bit_cast<bijou::simd::word<T>>(b);
}

template <class T> std::vector<T> many(std::uint64_t seed, int D, int samples) {
  std::vector<T> z(static_cast<std::size_t>(D * samples));
  fill_normal(philox(seed), 0, D, z.data(), samples, samples);
  return z;
}

} // namespace

TEMPLATE_TEST_CASE("a tile's normals are bit for bit the single events'", "[normal]", float,
                   double) {
  using T = TestType;
  const philox noise(11, 3);
  const T untouched = T(123);
  for (std::uint64_t first : {std::uint64_t{0}, std::uint64_t{0xfffffffaU}, ~std::uint64_t{4}}) {
    for (int D = 1; D <= 20; ++D) {
      for (int n : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64}) {
        const std::size_t stride = 67;
        std::vector<T> tile(stride * static_cast<std::size_t>(D + 1), untouched);
        fill_normal(noise, first, D, tile.data(), static_cast<std::ptrdiff_t>(stride), n);
        bool equal = true;
        for (int t = 0; t < n; ++t) {
          const auto z = event<T>(noise, first + static_cast<std::uint64_t>(t), D);
          for (std::size_t d = 0; d < z.size(); ++d)
            equal &= same_bits(tile[d * stride + static_cast<std::size_t>(t)], z[d]);
        }
        // Nothing else is written.
        for (std::size_t d = 0; d <= static_cast<std::size_t>(D); ++d)
          for (std::size_t t = d < static_cast<std::size_t>(D) ? static_cast<std::size_t>(n) : 0;
               t < stride; ++t)
            equal &= tile[d * stride + t] == untouched;
        INFO("first " << first << ", D " << D << ", n " << n);
        REQUIRE(equal);
      }
    }
  }
}

TEMPLATE_TEST_CASE("normals do not depend on the batch, D or the generator's use", "[normal]",
                   float, double) {
  using T = TestType;
  philox noise(8);
  const auto all = event<T>(noise, 5, 20);
  noise();
  noise.advance(9);
  for (int D = 1; D <= 20; ++D)
    CHECK(std::ranges::equal(event<T>(noise, 5, D),
                             std::span(all).first(static_cast<std::size_t>(D))));
  CHECK(event<T>(noise, 5, 4) != event<T>(noise, 6, 4));
  CHECK(event<T>(noise, 5, 4) != event<T>(philox(8, 1), 5, 4));
  // Counters run through 32 bits into the next word.
  CHECK(event<T>(noise, 0, 4) != event<T>(noise, std::uint64_t{1} << 32, 4));
  fill_normal(noise, 0, std::span<T>());
  fill_normal<T>(noise, 0, 3, nullptr, 0, 0);
}

TEMPLATE_TEST_CASE("normals have a normal's moments", "[normal]", float, double) {
  const auto z = many<TestType>(2024, 8, 125000);
  const double n = static_cast<double>(z.size());
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
  for (double x : z) {
    m1 += x / n;
    m2 += x * x / n;
    m3 += x * x * x / n;
    m4 += x * x * x * x / n;
  }
  // Four standard errors of each.
  CHECK(std::abs(m1) < 4 * std::sqrt(1 / n));
  CHECK(std::abs(m2 - 1) < 4 * std::sqrt(2 / n));
  CHECK(std::abs(m3) < 4 * std::sqrt(15 / n));
  CHECK(std::abs(m4 - 3) < 4 * std::sqrt(96 / n));
}

TEMPLATE_TEST_CASE("normals pass Kolmogorov and Smirnov, in all and in each component", "[normal]",
                   float, double) {
  constexpr int D = 8, samples = 125000;
  const auto z = many<TestType>(77, D, samples);
  for (int d = 0; d < D; ++d) {
    const std::vector component(z.begin() + d * samples, z.begin() + (d + 1) * samples);
    CHECK(kolmogorov_smirnov(component, normal_cdf).p_value > 1e-3);
  }
  CHECK(kolmogorov_smirnov(z, normal_cdf).p_value > 1e-3);
}

TEMPLATE_TEST_CASE("components of a sample are uncorrelated, squares too", "[normal]", float,
                   double) {
  constexpr int D = 6, samples = 100000;
  const auto z = many<TestType>(5, D, samples);
  for (int a = 0; a < D; ++a) {
    for (int b = 0; b < a; ++b) {
      double product = 0, squares = 0, mixed = 0;
      for (int t = 0; t < samples; ++t) {
        const double x = z[static_cast<std::size_t>(a * samples + t)];
        const double y = z[static_cast<std::size_t>(b * samples + t)];
        product += x * y;
        squares += (x * x - 1) * (y * y - 1);
        mixed += x * (y * y - 1);
      }
      CHECK(std::abs(product) < 4.5 * std::sqrt(samples));
      CHECK(std::abs(squares) < 4.5 * 2 * std::sqrt(samples));
      CHECK(std::abs(mixed) < 4.5 * std::sqrt(2.0 * samples));
    }
  }
}

namespace {

/// Both normals of the words w (radius) and v (direction), from every lane alike.
template <class T> std::array<T, 2> from_words(bijou::simd::word<T> w, bijou::simd::word<T> v) {
  using B = bijou::simd::bits<bijou::simd::word<T>>;
  const auto [x, y] = bijou::detail::normal_numbers::two(B(w), B(v));
  return {first(x), first(y)};
}

} // namespace

TEMPLATE_TEST_CASE("the tails reach beyond six sigma and are finite", "[normal]", float, double) {
  using T = TestType;
  using W = bijou::simd::word<T>;
  const double reach = sizeof(T) == 4 ? 6.66 : 8.57;
  for (W direction = 0; direction < 64; ++direction) {
    const W v = direction << (sizeof(T) * 8 - 6);
    const auto [x, y] = from_words<T>(0, v);
    CHECK(std::hypot(x, y) == Approx(reach).epsilon(1e-3));
    const auto [p, q] = from_words<T>(static_cast<W>(~W{0}), v); // the smallest radius
    CHECK(std::hypot(p, q) < 1e-3);
    CHECK(std::isfinite(p));
    CHECK(std::isfinite(q));
  }
  // P(radius > r) = exp(-r^2 / 2): the words below 2^k of 2^bits have the radii above
  // sqrt(2 (bits - k) ln 2).
  for (int k = 16; k < static_cast<int>(sizeof(T)) * 8; ++k) {
    const auto [x, y] = from_words<T>(W{1} << k, 12345);
    const double expected = std::sqrt(2 * std::log(2.0) * (static_cast<int>(sizeof(T)) * 8 - k));
    const double tolerance = k < 24 ? 1e-2 : 1e-4; // cells have a width
    CHECK(std::hypot(x, y) == Approx(expected).epsilon(tolerance));
  }
}

TEMPLATE_TEST_CASE("directions cover the circle evenly", "[normal]", float, double) {
  using T = TestType;
  using W = bijou::simd::word<T>;
  // 4096 directions on a grid, mid-cell: angles sorted are a grid as well.
  constexpr int low = static_cast<int>(sizeof(T)) * 8 - 12;
  std::vector<double> angle;
  for (W i = 0; i < 4096; ++i) {
    const auto [x, y] = from_words<T>(W{1} << 20, i << low | W{1} << (low - 1));
    angle.push_back(std::atan2(y, x));
  }
  std::sort(angle.begin(), angle.end());
  for (std::size_t i = 1; i < angle.size(); ++i)
    CHECK(angle[i] - angle[i - 1] == Approx(2 * 3.14159265358979 / 4096).epsilon(0.01));
}

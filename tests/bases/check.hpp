#pragma once
/// \file
/// What a base of independent variables that follow one law must hold, against that law's density,
/// distribution function and quantiles in long double.

#include <bijou/bijou.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>
#include <span>
#include <type_traits>
#include <vector>

#include "../catch.hpp"
#include "../support/numerics.hpp"

namespace bijou::testing {

using real = long double;

/// log p and score at each point against the law's. An error may be some units in the last place,
/// of the larger of 1 and log p, and of the score itself.
template <class T, class Base, class LogDensity, class Score>
void check_density(const Base& base, const std::vector<double>& points,
                   const LogDensity& log_density, const Score& score, double ulps = 8) {
  static_assert(Base::at.size == 1);
  using law = std::remove_cvref_t<decltype(base.law)>;
  const auto q = make_flow<T>(base);
  const auto three = make_flow<T>(independent_t<law, 3>{base.law});
  auto ws = q.make_workspace(), ws_of_three = three.make_workspace();
  const double eps = std::numeric_limits<T>::epsilon();
  for (const double point : points) {
    const T x = static_cast<T>(point);
    INFO(base.text() << " at " << x);
    const auto exact = log_density(static_cast<real>(x));
    const T log_p = q.log_prob(std::array{x}, ws);
    CHECK(near(log_p, static_cast<double>(exact),
               ulps * eps * std::max(1.0, std::abs(static_cast<double>(exact)))));
    const double of_three = 3 * static_cast<double>(exact);
    CHECK(near(three.log_prob(std::array{x, x, x}, ws_of_three), of_three,
               ulps * eps * std::max(1.0, std::abs(of_three))));
    const auto slope = static_cast<double>(score(static_cast<real>(x)));
    CHECK(near(base.score(simd::pack<T>(x), 0)[0], slope, ulps * eps * std::abs(slope)));
  }
}

/// The integral of the density over its support, the line or the positive numbers, brought to a
/// finite interval by x = t / (1 - t^2) or t / (1 - t).
template <class Base> double integral_of(const Base& base, std::size_t n = 20'000) {
  const auto q = make_flow<double>(base);
  auto ws = q.make_workspace();
  const auto p = [&](double x) { return std::exp(q.log_prob(std::array{x}, ws)); };
  if (Base::at.is_all(kind::positive))
    return integrate([&](double t) { return p(t / (1 - t)) / ((1 - t) * (1 - t)); }, 0, 1, n);
  return integrate(
      [&](double t) {
        const double r = 1 - t * t;
        return p(t / r) * (1 + t * t) / (r * r);
      },
      -1, 1, n);
}

/// Samples of three variables follow the distribution function and do not know of one another.
/// `mean` and `variance` are those of the law, NaN where it has none. The variance is not compared
/// where the fourth moment is infinite.
template <class T, class Base, class Cdf>
void check_samples(const Base& base, const Cdf& cdf, double mean, double variance,
                   bool has_fourth_moment = true) {
  constexpr std::size_t D = 3, n = 40'000;
  static_assert(Base::at.size == static_cast<int>(D));
  const auto q = make_flow<T>(base);
  philox stream(20, 3);
  const auto [y, log_p] = q.sample_and_log_prob(stream, n);
  const auto again = q.log_prob(y);
  std::array<std::vector<double>, D> variables, uniforms;
  for (std::size_t i = 0; i < n; ++i) {
    REQUIRE(std::isfinite(log_p(i)));
    REQUIRE(same_bits(again(i), log_p(i)));
    for (std::size_t d = 0; d < D; ++d) {
      variables[d].push_back(double{y(i, d)});
      uniforms[d].push_back(static_cast<double>(cdf(variables[d].back())));
    }
  }
  const double root = std::sqrt(static_cast<double>(n));
  for (std::size_t d = 0; d < D; ++d) {
    INFO(base.text() << ", variable " << d);
    CHECK(kolmogorov_smirnov(variables[d], cdf).p_value > 1e-3);
    const moments m = moments_of(variables[d]);
    if (!std::isnan(mean)) CHECK(near(m.mean, mean, 4 * std::sqrt(variance) / root));
    // Four deviations of a variance with a kurtosis of up to 9, as that of the exponential.
    if (!std::isnan(variance) && has_fourth_moment)
      CHECK(near(m.variance, variance, 12 * variance / root));
    double together = 0; // 12 times the covariance of two uniforms
    for (std::size_t i = 0; i < n; ++i)
      together += 12 * (uniforms[d][i] - 0.5) * (uniforms[(d + 1) % D][i] - 0.5);
    CHECK(std::abs(together) < 4 * root);
  }
}

/// Numbers of a base of three variables follow the distribution that the standard library draws
/// otherwise: for laws that have no simple distribution function.
template <class T, class Base, class Standard>
void check_against_standard(const Base& base, Standard standard, std::uint64_t seed,
                            std::uint64_t standard_seed) {
  constexpr std::size_t n = 20'000;
  std::mt19937_64 engine(standard_seed);
  std::vector<double> ours, theirs;
  for (std::size_t i = 0; i < n; ++i) {
    std::array<T, 3> x{};
    base.fill(philox(seed), i, x.data());
    ours.push_back(double{x[2]});
    theirs.push_back(standard(engine));
  }
  INFO(base.text());
  CHECK(kolmogorov_smirnov_2(ours, theirs).p_value > 1e-3);
}

/// The noise of a sample is the same bits in a tile, in a part of it, alone, and among fewer
/// variables.
template <class T, class Base> void check_bits_of_noise(const Base& base) {
  constexpr int D = Base::at.size, n = 67, stride = 96; // more than two tiles of any register
  const philox stream(8, 1);
  constexpr std::uint64_t first = 0xfffffff0U; // numbers of samples pass 2^32
  std::vector<T> tile(static_cast<std::size_t>(D * stride)), part = tile;
  base.fill(stream, first, tile.data(), stride, n);
  base.fill(stream, first + 5, part.data(), stride, 9);
  const auto fewer = base.template first<(D + 1) / 2>();
  for (int i = 0; i < n; ++i) {
    std::array<T, static_cast<std::size_t>(D)> one{}, some{};
    base.fill(stream, first + static_cast<std::uint64_t>(i), one.data());
    fewer.fill(stream, first + static_cast<std::uint64_t>(i), some.data());
    for (int d = 0; d < D; ++d) {
      const T in_tile = tile[static_cast<std::size_t>(d * stride + i)];
      const auto v = static_cast<std::size_t>(d);
      REQUIRE(same_bits(in_tile, one[v]));
      if (d < (D + 1) / 2) REQUIRE(same_bits(in_tile, some[v]));
      if (i >= 5 && i < 14)
        REQUIRE(same_bits(in_tile, part[static_cast<std::size_t>(d * stride + i - 5)]));
    }
  }
}

/// Random words as documented (docs/random.md): number k of a sample's words of the type's size.
template <class T>
simd::word<T> word_of(const philox& stream, std::uint64_t sample, std::size_t k) {
  constexpr std::size_t each = 16 / sizeof(T), parts = sizeof(T) / 4;
  const auto block = stream.block(sample, static_cast<std::uint32_t>(k / each), domain::draws);
  std::uint64_t w = block[k % each * parts];
  if (parts == 2) w |= std::uint64_t{block[k % each * parts + 1]} << 32U;
  return static_cast<simd::word<T>>(w);
}
/// The uniform number of (0, 1] that a word stands for, by its documented formula; float rounds k,
/// too.
template <class T> real tail_of(simd::word<T> w) {
  if constexpr (sizeof(T) == 4)
    return static_cast<float>((2 * real{static_cast<float>(w >> 1U)} + 1) * 0x1p-32L);
  else
    return (static_cast<real>(w >> 11U) + 1) * 0x1p-53L;
}

/// Each number of a law with one word a number is `quantile(u, last)` of the word's tail number and
/// last bit, up to some units in the last place of the larger of `least` and the result; so are
/// those of the words at the ends.
template <class T, class Base, class Quantile>
void check_numbers(const Base& base, const Quantile& quantile, double least = 0) {
  constexpr std::size_t D = static_cast<std::size_t>(Base::at.size);
  using law = std::remove_cvref_t<decltype(base.law)>;
  const double eps = std::numeric_limits<T>::epsilon();
  const auto check = [&](T x, simd::word<T> w) {
    const auto exact = static_cast<double>(quantile(tail_of<T>(w), (w & 1U) != 0));
    REQUIRE(near(x, exact, 8 * eps * std::max(least, std::abs(exact))));
  };
  const philox stream(31);
  for (std::uint64_t i = 0; i < 3000; ++i) {
    std::array<T, D> x{};
    base.fill(stream, i, x.data());
    for (std::size_t d = 0; d < D; ++d) check(x[d], word_of<T>(stream, i, d));
  }
  const simd::word<T> zero = 0, ones = ~zero;
  for (const simd::word<T> w : {zero, ones, simd::word<T>(1), simd::word<T>(ones - 1),
                                simd::word<T>(ones >> 1U), simd::word<T>((ones >> 1U) - 1)}) {
    const T x = law::number(simd::bits<simd::word<T>>(w)).first();
    INFO("word " << w << " makes " << x);
    CHECK(std::isfinite(x));
    CHECK((!Base::at.is_all(kind::positive) || x > 0));
    check(x, w);
  }
}

} // namespace bijou::testing

#pragma once
/// \file
/// Numbers to test with: the same on every machine and for float and double.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>
#include <span>
#include <vector>

namespace bijou::testing {

/// Normal deviates from a 64-bit Mersenne twister. std::normal_distribution may differ between
/// standard libraries; this does not. All of them are exact in float, so that a float and a double
/// object get the same numbers, and double can be the oracle for float.
class normal_source {
 public:
  explicit normal_source(std::uint64_t seed) : bits_(seed) {}

  float operator()() {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return static_cast<float>(radius * std::cos(2 * std::numbers::pi * uniform()));
  }

  /// In (0, 1), never 0 or 1.
  double uniform() { return (static_cast<double>(bits_() >> 12U) + 0.5) * 0x1p-52; }

 private:
  std::mt19937_64 bits_;
};

/// Adds scale times a normal deviate to each parameter.
template <class T> void perturb(std::span<T> parameters, std::uint64_t seed, float scale = 0.3F) {
  normal_source normal(seed);
  // Rounded to float before and after: the sum is then exact in float, too.
  for (T& p : parameters) p = static_cast<T>(static_cast<float>(p) + scale * normal());
}

/// As `perturb`, only where `mask` is not 0: entries that must stay zero stay so, and the others
/// get the same numbers whatever the mask.
template <class T, class Mask>
void perturb(std::span<T> parameters, const Mask& mask, std::uint64_t seed, float scale = 0.3F) {
  normal_source normal(seed);
  std::size_t i = 0;
  for (T& p : parameters) {
    const float step = scale * normal();
    if (mask[i++] != 0) p = static_cast<T>(static_cast<float>(p) + step);
  }
}

/// n values, normal with the given deviation around mean: points, noise, cotangents.
template <class T>
std::vector<T> normal_values(std::size_t n, std::uint64_t seed, float scale = 1, float mean = 0) {
  normal_source normal(seed);
  std::vector<T> values(n);
  for (T& v : values) v = static_cast<T>(mean + scale * normal());
  return values;
}

/// n values in (low, high), exact in float.
template <class T>
std::vector<T> uniform_values(std::size_t n, std::uint64_t seed, float low = 0, float high = 1) {
  normal_source source(seed);
  std::vector<T> values;
  while (values.size() < n) {
    const auto u = static_cast<float>(source.uniform());
    const float v = low + (high - low) * u;
    if (v > low && v < high) values.push_back(static_cast<T>(v));
  }
  return values;
}

/// What a caller may hand over on a bad day: zeros, subnormals, huge numbers, infinities, NaN.
template <class T> std::vector<T> extreme_values() {
  using limits = std::numeric_limits<T>;
  std::vector<T> values{T(0)};
  for (const T v : {limits::denorm_min(), limits::min(), limits::epsilon(), T(1e-4), T(1), T(30),
                    T(100), T(1e4), T(1e20), limits::max(), limits::infinity()}) {
    values.push_back(v);
    values.push_back(-v);
  }
  values.push_back(-T(0));
  values.push_back(limits::quiet_NaN());
  return values;
}

} // namespace bijou::testing

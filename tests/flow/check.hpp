#pragma once
/// \file
/// What every flow must hold, whatever its expression: maps that undo each other, log-dets and
/// gradients that differences confirm, the same bits on every path, samples that do not touch each
/// other. Compiled once for float and once for double, in check.cpp.

#include <bijou/bijou.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "../catch.hpp"
#include "../support/numerics.hpp"
#include "subject.hpp"

namespace bijou::testing {

/// Rows first .. first + count - 1.
template <class T>
std::vector<T> rows_from(const std::vector<T>& v, std::size_t first, std::size_t count,
                         std::size_t columns) {
  const auto at = [&](std::size_t row) {
    return v.begin() + static_cast<std::ptrdiff_t>(row * columns);
  };
  return {at(first), at(first + count)};
}

/// Largest magnitude, at least 1.
template <class T> double scale_of(const std::vector<T>& v) {
  double scale = 1;
  for (const T x : v) scale = worse(scale, std::abs(static_cast<double>(x)));
  return scale;
}

/// For REQUIRE(... == agreed): equal within `relative` of the largest element.
template <class A, class B>
std::string difference_of(const std::vector<A>& actual, const std::vector<B>& expected,
                          double relative) {
  const double allowed = relative * scale_of(expected);
  return disagreement(actual, expected, [&](std::size_t) { return allowed; });
}

/// The first element whose bits differ, or empty.
template <class T>
std::string other_bits(const std::vector<T>& actual, const std::vector<T>& expected);

/// inverse(forward(x)) = x, and the log-dets of both directions cancel.
template <class T>
void check_round_trip(const subject<T>& f, const std::vector<T>& x, const std::vector<T>& context,
                      double tolerance);

/// log|det| of both directions against a numerical Jacobian.
void check_log_det(const subject<double>& f, const std::vector<double>& x,
                   const std::vector<double>& context, double tolerance);

/// Every sample by itself, in pieces and as a whole: the same bits, forward, back and scored.
template <class T>
void check_bits(const subject<T>& f, const std::vector<T>& x, const std::vector<T>& context);

/// Central differences of value() by every parameter that a connection owns; 0 elsewhere.
template <class Flow, class Value>
std::vector<double> parameter_differences(Flow& q, const Value& value) {
  const auto owned = q.structure();
  std::vector<double> g(owned.size(), 0);
  for (std::size_t i = 0; i < g.size(); ++i)
    if (owned[i] != 0)
      g[i] = numerical_gradient<double>(value, q.parameters().subspan(i, 1), {.step = 1e-5})[0];
  return g;
}

/// Both gradients against central differences: of the weighted sum of log p by parameters and data;
/// of a function of samples and their log q by parameters and noise.
void check_gradients(const subject<double>& f, const std::vector<double>& noise,
                     const std::vector<double>& context, double tolerance);

/// float computes what double computes: maps, densities, gradients. A result may be wrong by
/// `tolerance` of the largest element, and by what the exact result changes when its inputs move by
/// a few dozen roundings: no float can know better.
void check_float(const subject<float>& f, const subject<double>& oracle, std::size_t n,
                 double tolerance);

/// A NaN in the noise stays in its sample: for flows that score only what they draw.
void check_nan_stays(const subject<double>& f);

/// A sample with a NaN or an infinity changes no bit of any other, in its tile or the next, in
/// maps, densities and gradients by the data; its own log p is NaN for a NaN.
template <class T> void check_isolation(const subject<T>& f);

/// How much a check asks of an expression.
struct check_options {
  std::size_t samples = 3;       ///< compared with differences
  float perturbation = 0.3F;     ///< deviation of what is added to the initial parameters
  double tolerance = 1e-7;       ///< of gradients against differences, relative
  double float_tolerance = 1e-5; ///< of float against double, relative to the largest element
  std::uint64_t seed = 17;       ///< of what is added to the initial parameters
};

/// All that double can show: round trip, log-det, gradients, bits.
void check_double(const subject<double>& f, const check_options& o);
template <class E> subject<double> check_double(const E& expression, check_options o = {}) {
  auto f = make_subject<double>(expression, o.perturbation, o.seed);
  check_double(f, o);
  return f;
}

/// The same, and what float can show: the same numbers as double, the same bits on every path. Not
/// where sanitizers watch: they take the compiler twice as long, and float lies in memory as double
/// does.
void check_float(const subject<float>& f, const subject<double>& oracle, const check_options& o);
template <class E> void check_expression(const E& expression, check_options o = {}) {
  [[maybe_unused]] const auto oracle = check_double(expression, o);
#ifndef BIJOU_TEST_SANITIZED
  check_float(make_subject<float>(expression, o.perturbation, o.seed), oracle, o);
#endif
}

} // namespace bijou::testing

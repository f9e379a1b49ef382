#pragma once
/// \file
/// Numerical oracles: derivatives by differences, determinants, integrals, statistics, and the
/// tolerances of this suite.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bijou::testing {

// --- comparison -------------------------------------------------------------------------------

/// How far a T may be from the truth: double 1e-10 relative, float 1e-5 times max(1, magnitude).
/// `magnitude` is that of the result, or the sum of the terms' magnitudes for a sum (gradients,
/// log-dets), where cancellation may leave less.
template <class T> double tolerance(double magnitude) {
  return (std::is_same_v<T, float> ? 1e-5 : 1e-10) * std::max(1.0, std::abs(magnitude));
}

/// Equal up to an absolute error; infinities and NaN only equal themselves.
inline bool near(double actual, double expected, double absolute) {
  if (std::isnan(expected)) return std::isnan(actual);
  if (std::isinf(expected) || std::isinf(actual)) return actual == expected;
  return std::abs(actual - expected) <= absolute;
}

/// Equal up to the tolerance of T. `magnitude` as in `tolerance`, by default that of the result.
template <class T> bool is_close(double actual, double expected, double magnitude = 0) {
  return near(actual, expected, tolerance<T>(std::max(std::abs(expected), std::abs(magnitude))));
}

/// The larger of two errors, or NaN once one was: std::max(error, NaN) is `error`, and a test that
/// looks for its largest error that way passes where everything else is NaN.
inline double worse(double error, double next) {
  return std::isnan(error) || next <= error ? error : next;
}

/// What `disagreement` returns when there is none.
inline const std::string agreed;

/// For REQUIRE(disagreement(...) == agreed): empty if the arrays agree element by element, else a
/// sentence about the worst element. `allowed(i)` is the absolute error of element i.
template <class Actual, class Expected, class Allowed>
  requires std::is_invocable_r_v<double, Allowed, std::size_t>
std::string disagreement(const Actual& actual, const Expected& expected, const Allowed& allowed) {
  if (std::size(actual) != std::size(expected)) {
    return std::to_string(std::size(actual)) + " elements, expected " +
           std::to_string(std::size(expected));
  }
  double worst = 0;
  std::ostringstream text;
  text.precision(17);
  for (std::size_t i = 0; i < std::size(actual); ++i) {
    const auto a = static_cast<double>(actual[i]);
    const auto e = static_cast<double>(expected[i]);
    const double limit = allowed(i);
    if (near(a, e, limit)) continue;
    const double ratio = std::abs(a - e) / limit;
    const double excess = std::isnan(ratio) ? std::numeric_limits<double>::infinity() : ratio;
    if (excess <= worst) continue;
    worst = excess;
    text.str("");
    text << "element " << i << " is " << a << ", expected " << e << " (allowed error " << limit
         << ")";
  }
  return text.str();
}

/// The same with the tolerance of T at each element's own magnitude.
template <class T, class Actual, class Expected>
std::string disagreement(const Actual& actual, const Expected& expected) {
  return disagreement(actual, expected, [&](std::size_t i) {
    return tolerance<T>(static_cast<double>(expected[i]));
  });
}

/// Bit for bit, with -0 unlike 0 and every NaN like every other.
template <class T> bool same_bits(T a, T b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

// --- derivatives ------------------------------------------------------------------------------

/// Rows of a matrix one after the other.
struct matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> values;
  double& operator()(std::size_t i, std::size_t j) { return values[i * columns + j]; }
  double operator()(std::size_t i, std::size_t j) const { return values[i * columns + j]; }
};

struct difference_options {
  double step = 0;        ///< 0: chosen by type and order; times max(1, |x|) in any case
  bool richardson = true; ///< two steps combined: error h^4 instead of h^2, twice the calls
};

namespace detail {

/// Balances truncation h^order against rounding eps / h.
template <class T> double difference_step(const difference_options& options) {
  if (options.step > 0) return options.step;
  const double eps = std::numeric_limits<T>::epsilon();
  return options.richardson ? std::pow(eps, 0.2) : std::cbrt(eps);
}

/// Adds the derivative of evaluate(), a vector of numbers, with respect to `variable` to
/// add(i, value). The variable is restored exactly. Values are subtracted before anything else, so
/// that what does not depend on the variable has a derivative of exactly zero.
template <class T, class Evaluate, class Add>
void difference(T& variable, const difference_options& options, const Evaluate& evaluate,
                const Add& add) {
  const T centre = variable;
  const auto middle = static_cast<double>(centre);
  const double h = difference_step<T>(options) * std::max(1.0, std::abs(middle));
  const auto central = [&](double step, double weight) {
    const T high = static_cast<T>(middle + step);
    const T low = static_cast<T>(middle - step);
    variable = high;
    const auto above = evaluate();
    variable = low;
    const auto below = evaluate();
    variable = centre;
    const double factor = weight / (static_cast<double>(high) - static_cast<double>(low));
    for (std::size_t i = 0; i < std::size(above); ++i) {
      add(i, factor * (static_cast<double>(above[i]) - static_cast<double>(below[i])));
    }
  };
  if (options.richardson) {
    central(h, -1.0 / 3);
    central(h / 2, 4.0 / 3);
  } else {
    central(h, 1);
  }
}

} // namespace detail

/// The Jacobian dy_i/dx_j of f: vector<T> -> vector of any length (anything with size() and []), by
/// central differences. In double and with Richardson's step it is good to about 1e-10 of f's
/// scale, in float to 1e-4.
template <class T, class F>
matrix numerical_jacobian(const F& f, std::vector<T> x, const difference_options& options = {}) {
  matrix result{std::size(f(std::as_const(x))), x.size(), {}};
  result.values.assign(result.rows * result.columns, 0);
  for (std::size_t j = 0; j < x.size(); ++j) {
    detail::difference(
        x[j], options, [&] { return f(std::as_const(x)); },
        [&](std::size_t i, double value) { result(i, j) += value; });
  }
  return result;
}

/// The gradient of a number with respect to parameters that `f()` reads, by central differences.
template <class T, class F>
std::vector<double> numerical_gradient(const F& f, std::span<T> parameters,
                                       const difference_options& options = {}) {
  std::vector<double> result(parameters.size(), 0);
  for (std::size_t j = 0; j < parameters.size(); ++j) {
    detail::difference(
        parameters[j], options, [&] { return std::array{static_cast<double>(f())}; },
        [&](std::size_t /*i*/, double value) { result[j] += value; });
  }
  return result;
}

/// log |det a| by elimination with partial pivoting; -inf for a singular matrix.
inline double log_abs_det(matrix a) {
  double sum = 0;
  for (std::size_t k = 0; k < a.rows; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < a.rows; ++i) {
      if (std::abs(a(i, k)) > std::abs(a(pivot, k))) pivot = i;
    }
    if (a(pivot, k) == 0) return -std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < a.columns; ++j) std::swap(a(k, j), a(pivot, j));
    sum += std::log(std::abs(a(k, k)));
    for (std::size_t i = k + 1; i < a.rows; ++i) {
      const double factor = a(i, k) / a(k, k);
      for (std::size_t j = k; j < a.columns; ++j) a(i, j) -= factor * a(k, j);
    }
  }
  return sum;
}

// --- integrals --------------------------------------------------------------------------------

/// Centres of n equal cells of [low, high].
inline std::vector<double> midpoints(double low, double high, std::size_t n) {
  std::vector<double> result(n);
  for (std::size_t i = 0; i < n; ++i) {
    result[i] = low + (high - low) * (static_cast<double>(i) + 0.5) / static_cast<double>(n);
  }
  return result;
}

/// The integral of f over [low, high] by n midpoints. It never meets the ends, where a density may
/// be infinite.
template <class F> double integrate(const F& f, double low, double high, std::size_t n) {
  double sum = 0;
  for (const double x : midpoints(low, high, n)) sum += static_cast<double>(f(x));
  return sum * (high - low) / static_cast<double>(n);
}

/// The integral of f(x, y) over [low, high] squared by n times n midpoints.
template <class F> double integrate_2d(const F& f, double low, double high, std::size_t n) {
  return integrate(
      [&](double x) { return integrate([&](double y) { return f(x, y); }, low, high, n); }, low,
      high, n);
}

/// The integral of values at n + 1 equally spaced points, the ends among them.
inline double trapezoid(std::span<const double> values, double spacing) {
  if (values.empty()) return 0;
  double sum = -0.5 * (values.front() + values.back());
  for (const double v : values) sum += v;
  return sum * spacing;
}

// --- statistics -------------------------------------------------------------------------------

/// Largest distance of two distribution functions, and how probable one as large is by chance.
struct kolmogorov_smirnov_result {
  double statistic;
  double p_value;
};

namespace detail {

/// P(K > lambda) of Kolmogorov's distribution: the two series of its theta function, each where it
/// converges fast.
inline double kolmogorov_tail(double lambda) {
  using std::numbers::pi;
  if (lambda < 0.2) return 1;
  double sum = 0;
  if (lambda < 1.2) {
    for (int k = 1; k <= 7; k += 2) sum += std::exp(-k * k * pi * pi / (8 * lambda * lambda));
    return 1 - std::sqrt(2 * pi) / lambda * sum;
  }
  for (int k = 1; k <= 8; ++k)
    sum += (k % 2 == 1 ? 2 : -2) * std::exp(-2.0 * k * k * lambda * lambda);
  return sum;
}

/// Stephens' correction makes the asymptotic law good from n = 4.
inline kolmogorov_smirnov_result kolmogorov_smirnov_p(double statistic, double n) {
  const double root = std::sqrt(n);
  return {statistic, kolmogorov_tail((root + 0.12 + 0.11 / root) * statistic)};
}

} // namespace detail

/// Do the samples follow the distribution function cdf?
template <class T, class Cdf>
kolmogorov_smirnov_result kolmogorov_smirnov(std::vector<T> samples, const Cdf& cdf) {
  std::sort(samples.begin(), samples.end());
  const auto n = static_cast<double>(samples.size());
  double distance = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto p = static_cast<double>(cdf(static_cast<double>(samples[i])));
    distance = worse(distance, p - static_cast<double>(i) / n);
    distance = worse(distance, static_cast<double>(i + 1) / n - p);
  }
  return detail::kolmogorov_smirnov_p(distance, n);
}

/// Do two sets of samples come from one distribution?
template <class T>
kolmogorov_smirnov_result kolmogorov_smirnov_2(std::vector<T> a, std::vector<T> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  const auto n = static_cast<double>(a.size());
  const auto m = static_cast<double>(b.size());
  double distance = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const T x = std::min(a[i], b[j]);
    while (i < a.size() && a[i] == x) ++i;
    while (j < b.size() && b[j] == x) ++j;
    distance =
        std::max(distance, std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  }
  return detail::kolmogorov_smirnov_p(distance, n * m / (n + m));
}

/// The standard normal's distribution function.
inline double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

struct moments {
  double mean;
  double variance;
};

/// Mean and unbiased variance, accumulated in double.
template <class Range> moments moments_of(const Range& values) {
  double mean = 0;
  double squares = 0;
  double n = 0;
  for (const auto value : values) { // Welford
    n += 1;
    const double delta = static_cast<double>(value) - mean;
    mean += delta / n;
    squares += delta * (static_cast<double>(value) - mean);
  }
  return {mean, n > 1 ? squares / (n - 1) : 0};
}

} // namespace bijou::testing

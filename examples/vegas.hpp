#pragma once
// VEGAS of the GNU Scientific Library, where that is installed; plain Monte Carlo everywhere.

#include <bijou/random/philox.hpp>
#include <bijou/random/uniform.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "integrands.hpp"

#if BIJOU_HAVE_GSL
#include <gsl/gsl_monte_vegas.h>
#include <gsl/gsl_rng.h>
#endif

namespace integrands {

/// What every integrator reports.
struct estimate {
  double value, error;
  double chi_squared; ///< per degree of freedom, NaN for a single iteration
  double unweighting; ///< mean |w| / max |w|, w = f / q, without adaptation
};

template <int D>
estimate plain_monte_carlo(const integrand<D>& i, std::size_t evaluations, std::uint64_t seed) {
  const bijou::philox stream(seed);
  std::array<double, static_cast<std::size_t>(D)> x{};
  double sum = 0, squares = 0, sizes = 0, largest = 0;
  for (std::size_t k = 0; k < evaluations; ++k) {
    bijou::fill_uniform(stream, k, std::span<double>(x));
    const double value = i.f(x);
    sum += value;
    squares += value * value;
    sizes += std::abs(value);
    largest = std::max(largest, std::abs(value));
  }
  const auto n = static_cast<double>(evaluations);
  return {sum / n, std::sqrt((squares / n - sum / n * sum / n) / (n - 1)), std::nan(""),
          sizes / n / largest};
}

#if BIJOU_HAVE_GSL
inline constexpr bool have_vegas = true;

/// Ten iterations, of which the first two only adapt the grid: of the numbers that were tried the
/// best for the camels.
template <int D> class vegas {
 public:
  /// With `watched`, keeps the points and the weights, which takes time.
  vegas(const integrand<D>& i, std::size_t evaluations, std::uint64_t seed, bool watched)
      : integrand_(i), watched_(watched), random_(gsl_rng_alloc(gsl_rng_mt19937)),
        state_(gsl_monte_vegas_alloc(D)) {
    constexpr int iterations = 10, warm_up = 2;
    gsl_rng_set(random_.get(), seed);
    run(warm_up, 0, evaluations / iterations);
    sizes_ = largest_ = 0;
    points_.clear();
    run(iterations - warm_up, 1, evaluations / iterations);
  }

  estimate result() const {
    return {value_, error_, gsl_monte_vegas_chisq(state_.get()),
            sizes_ / (static_cast<double>(count_) * largest_)};
  }
  /// Where it evaluated the integrand after its warm-up: x1 and x2.
  const std::vector<std::array<double, 2>>& points() const { return points_; }

 private:
  void run(int iterations, int stage, std::size_t calls) {
    gsl_monte_vegas_params parameters;
    gsl_monte_vegas_params_get(state_.get(), &parameters);
    parameters.iterations = static_cast<std::size_t>(iterations);
    parameters.stage = stage;
    gsl_monte_vegas_params_set(state_.get(), &parameters);
    gsl_monte_function f{
        [](double* x, std::size_t, void* self) { return static_cast<vegas*>(self)->evaluate(x); },
        D, this};
    std::array<double, std::size_t{D}> lower{}, upper{};
    upper.fill(1);
    count_ = 0;
    gsl_monte_vegas_integrate(&f, lower.data(), upper.data(), D, calls, random_.get(), state_.get(),
                              &value_, &error_);
  }
  double evaluate(const double* x) {
    const double value = integrand_.f(point<D>(x, D));
    ++count_;
    if (!watched_) return value;
    const double weight = std::abs(value) / density(x);
    sizes_ += weight;
    largest_ = std::max(largest_, weight);
    points_.push_back({x[0], x[1]});
    return value;
  }
  /// A product of histograms whose bins are equally probable; xi holds their ends.
  double density(const double* x) const {
    const std::size_t bins = state_->bins;
    double result = 1;
    for (std::size_t d = 0; d < D; ++d) {
      const auto end = [&](std::size_t k) { return state_->xi[k * D + d]; };
      std::size_t low = 0, high = bins;
      while (high - low > 1) {
        const std::size_t middle = (low + high) / 2;
        (end(middle) <= x[d] ? low : high) = middle;
      }
      result /= static_cast<double>(bins) * (end(high) - end(low));
    }
    return result;
  }

  struct release {
    void operator()(gsl_rng* r) const { gsl_rng_free(r); }
    void operator()(gsl_monte_vegas_state* s) const { gsl_monte_vegas_free(s); }
  };
  const integrand<D>& integrand_;
  bool watched_;
  std::unique_ptr<gsl_rng, release> random_;
  std::unique_ptr<gsl_monte_vegas_state, release> state_;
  double value_ = 0, error_ = 0, sizes_ = 0, largest_ = 0;
  std::size_t count_ = 0;
  std::vector<std::array<double, 2>> points_;
};
#else
inline constexpr bool have_vegas = false;
#endif

} // namespace integrands

#pragma once
/// \file
/// Learning-rate schedules: what multiplies the optimizer's rate at each step.
///
/// A schedule is any callable `factor(step, total)`: `step` counts from 0, `total` is the number of
/// steps planned. The ones here are small values with defaults that suit:
///
///     options.schedule = schedules::cosine{.warmup = 0.05};
///
/// They throw std::invalid_argument where a member makes no sense.

#include <bijou/kernels/isa.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>
#include <stdexcept>
#include <string>

namespace bijou::inline BIJOU_ISA {

/// Any schedule, as an option of a training loop holds it.
using schedule = std::function<double(std::int64_t step, std::int64_t total)>;

namespace schedules {

/// Always 1.
struct constant {
  double operator()(std::int64_t, std::int64_t) const { return 1; }
};

namespace detail {
/// How far training is: 0 at the first step, 1 at the last and beyond.
inline double fraction(std::int64_t step, std::int64_t total) {
  if (total <= 1) return step > 0 ? 1 : 0;
  return std::clamp(static_cast<double>(step) / static_cast<double>(total - 1), 0.0, 1.0);
}
inline void expect(bool good, const char* what) {
  if (!good) throw std::invalid_argument(std::string("schedules::") + what);
}
/// From a at 0 to b at 1 along half a cosine, flat at both ends.
inline double half_cosine(double a, double b, double fraction) {
  return b + (a - b) * 0.5 * (1 + std::cos(std::numbers::pi * fraction));
}
} // namespace detail

/// Rises linearly over the first `warmup` of all steps, then falls to `end` along half a cosine
/// (Loshchilov & Hutter, "SGDR", ICLR 2017, equation 5, one period).
struct cosine {
  double warmup = 0; ///< a share of all steps, 0 to 1
  double end = 0;    ///< the last step's factor
  double operator()(std::int64_t step, std::int64_t total) const {
    detail::expect(warmup >= 0 && warmup <= 1, "cosine: expected 0 <= warmup <= 1");
    detail::expect(end >= 0, "cosine: expected end >= 0");
    const double steps = warmup * static_cast<double>(total);
    const double done = static_cast<double>(step) + 1; // the first step moves already
    if (done <= steps) return done / steps;
    const double left = static_cast<double>(total) - steps;
    return detail::half_cosine(1, end,
                               left <= 0 ? 1.0 : std::clamp((done - steps) / left, 0.0, 1.0));
  }
};

/// Multiplies by `decay` at each of `drops` equally spaced moments, so that drops + 1 stages last
/// equally long.
struct staircase {
  int drops = 2;
  double decay = 0.1;
  double operator()(std::int64_t step, std::int64_t total) const {
    detail::expect(drops >= 0, "staircase: expected drops >= 0");
    detail::expect(decay >= 0, "staircase: expected decay >= 0");
    if (total <= 0) return 1;
    const std::int64_t stage = std::clamp<std::int64_t>(step * (drops + 1) / total, 0, drops);
    return std::pow(decay, static_cast<double>(stage));
  }
};

/// Falls geometrically from 1 at the first step to `end` at the last.
struct exponential {
  double end = 0.01;
  double operator()(std::int64_t step, std::int64_t total) const {
    detail::expect(end > 0, "exponential: expected end > 0");
    return std::pow(end, detail::fraction(step, total));
  }
};

/// Rises from `start` to 1 over the first `warmup` of all steps, then falls to `end`, both along
/// half cosines (Smith & Topin, "Super-convergence", 2018). The optimizer's learning rate is the
/// peak.
struct one_cycle {
  double warmup = 0.3;
  double start = 0.04;
  double end = 1e-4;
  double operator()(std::int64_t step, std::int64_t total) const {
    detail::expect(warmup >= 0 && warmup <= 1, "one_cycle: expected 0 <= warmup <= 1");
    detail::expect(start >= 0 && end >= 0, "one_cycle: expected start >= 0 and end >= 0");
    const double f = detail::fraction(step, total);
    return f < warmup ? detail::half_cosine(start, 1, f / warmup)
                      : detail::half_cosine(1, end, warmup < 1 ? (f - warmup) / (1 - warmup) : 0.0);
  }
};

} // namespace schedules
} // namespace bijou::inline BIJOU_ISA

#pragma once
// What every spline on a box must satisfy, whatever runs through its bins: the checks that the
// tests of splines share. `Textbook<F>(f, theta)` is a spline as its paper writes it, in long
// double: a spline_knots<F> with operator()(x).

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "../support/emulated.hpp"
#include "check.hpp"

namespace transformer_check {

using bijou::testing::trials;

template <class F> constexpr bool on_line = F::support == kind::line;

// All knots and slopes of a spline.
template <class F> struct spline_knots {
  std::vector<long double> x, y, d;
  std::size_t bins = F::bins;

  template <class T> spline_knots(const F& f, const std::vector<T>& theta) {
    const long double low = on_line<F> ? -f.half_width : 0, span = on_line<F> ? -2 * low : 1;
    x = knots(theta, 0, low, span);
    y = knots(theta, bins, low, span);
    const std::size_t learned = F::learned_slopes;
    for (std::size_t j = 2 * bins; j < 2 * bins + learned; ++j)
      d.push_back(0.001L + std::log1p(std::exp(static_cast<long double>(theta[j]) +
                                               static_cast<long double>(f.slope_offset))));
    if (learned < bins) {
      d.insert(d.begin(), f.edge_slope);
      d.push_back(f.edge_slope);
    }
  }
  template <class T>
  std::vector<long double> knots(const std::vector<T>& theta, std::size_t first, long double low,
                                 long double span) const {
    std::vector<long double> out{low};
    long double sum = 0, below = 0;
    for (std::size_t k = 0; k < bins; ++k)
      sum += std::exp(static_cast<long double>(theta[first + k]));
    const auto n = static_cast<long double>(bins);
    for (std::size_t k = 0; k < bins; ++k) {
      below +=
          0.001L + (1 - 0.001L * n) * (std::exp(static_cast<long double>(theta[first + k])) / sum);
      out.push_back(low + span * below);
    }
    return out;
  }
  // The bin of a point in the box.
  std::size_t bin_of(long double v) const {
    std::size_t k = 0;
    while (k + 1 < bins && v >= x[k + 1]) ++k;
    return k;
  }
  // Where the log slope may have a kink.
  std::vector<long double> kinks_of_x() const { return x; }
  std::vector<long double> kinks_of_y() const { return y; }
};

// Points in every bin, in the tails and beyond them.
template <class F> std::vector<double> points(const F& f, std::mt19937& rng) {
  const double low = on_line<F> ? -f.half_width : 0, span = on_line<F> ? -2 * low : 1;
  std::uniform_real_distribution<double> box(low, low + span);
  std::vector<double> x{low - 0.01 * span, low + 1.25 * span, 1e4, -1e4};
  for (int i = 0; i < 12; ++i) x.push_back(static_cast<float>(box(rng)));
  return x;
}

template <template <class> class Textbook, class T, class F>
void check_formula(const F& f, double scale, double ulps) {
  std::mt19937 rng(41);
  const double eps = std::numeric_limits<T>::epsilon();
  const double box = on_line<F> ? f.half_width : 1;
  for (int trial = 0; trial < trials(50); ++trial) {
    const single<T, F> t{f, random_theta<T>(f, rng, scale)};
    const Textbook<F> expected(f, t.theta);
    for (const double x : points(f, rng)) {
      const auto a = t.forward(T(x));
      const auto b = expected(static_cast<long double>(T(x)));
      const auto s = t.slope(T(x));
      INFO("x = " << x << ", slope " << s.slope << ", dlog " << s.dlog);
      CHECK(std::abs(a.value - b.value) <= ulps * eps * box * (1 + s.slope));
      CHECK(std::abs(a.log_slope - b.log_slope) <=
            ulps * eps * (1 + std::abs(a.log_slope) + box * std::abs(s.dlog)));
    }
    for (std::size_t k = 0; k < expected.x.size(); ++k) {
      const auto s = t.slope(T(expected.x[k]));
      INFO("knot " << k << " of " << expected.x.size() << ", slope " << s.slope);
      CHECK(std::abs(t.forward(T(expected.x[k])).value - expected.y[k]) <=
            ulps * eps * box * (1 + s.slope));
      CHECK(std::abs(t.inverse(T(expected.y[k])).value - expected.x[k]) <=
            ulps * eps * box * (1 + 1 / s.slope));
    }
    // Both ends belong to the box: their slopes are those of the first and the last knot.
    for (const long double end : {expected.x.front(), expected.x.back()}) {
      const auto slope = static_cast<double>(expected(end).log_slope);
      const auto at = t.slope(T(end));
      const double changes = box * std::abs(at.dlog), rounding = ulps * eps;
      CAPTURE(end);
      CHECK(std::abs(t.forward(T(end)).log_slope - slope) <=
            rounding * (1 + std::abs(slope) + changes));
      CHECK(std::abs(t.inverse(T(end)).log_slope - slope) <=
            rounding * (1 + std::abs(slope) + changes * (1 + 1 / at.slope)));
    }
  }
}

template <template <class> class Textbook, class T, class F>
void check_round_trips(const F& f, double scale) {
  std::mt19937 rng(42);
  const double box = on_line<F> ? f.half_width : 1;
  for (int trial = 0; trial < trials(100); ++trial) {
    const single<T, F> t{f, random_theta<T>(f, rng, scale)};
    const Textbook<F> knots(f, t.theta);
    for (const double x : points(f, rng)) check_round_trip(t, T(x), box, 16);
    for (const long double x : knots.x)
      if (x != knots.x.front() && x != knots.x.back()) {
        const auto at = t.forward(T(x));
        const double slope = t.slope(T(x)).slope;
        CHECK(std::abs(t.inverse(at.value).value - T(x)) <=
              32 * std::numeric_limits<T>::epsilon() * box * (1 + 1 / slope));
      }
  }
}

template <template <class> class Textbook, class F>
void check_gradients(const F& f, double scale, double tolerance) {
  std::mt19937 rng(43);
  for (int trial = 0; trial < trials(20); ++trial) {
    const single<double, F> t{f, random_theta<double>(f, rng, scale)};
    const Textbook<F> knots(f, t.theta);
    for (const double x : points(f, rng)) {
      // No difference quotient across a knot or another point where the log slope has a kink.
      const auto near = [&](const std::vector<long double>& k, double v) {
        return std::any_of(k.begin(), k.end(),
                           [&](long double at) { return std::abs(at - v) < 2e-4L; });
      };
      if (near(knots.kinks_of_x(), x) || near(knots.kinks_of_y(), t.forward(x).value)) continue;
      // A central difference with step h is off by (h dlog)^2 / 4 of the slope where the map bends
      // like a ratio of lines.
      const double bend = 1e-5 * t.slope(x).dlog;
      check_derivatives(t, x, tolerance + bend * bend);
    }
  }
}

// The forms that a spline comes in: what holds of one must hold of all.
template <class Line, class Unit, class Fixed, class Wide, class Pyro> struct spline_forms {
  Line line;   // with tails
  Unit unit;   // on the unit box
  Fixed fixed; // with boundary slopes that are given
  Wide wide;   // with another bound
  Pyro pyro;   // with Pyro's quirks, which no textbook has
};
template <class Line, class Unit, class Fixed, class Wide, class Pyro>
spline_forms(Line, Unit, Fixed, Wide, Pyro) -> spline_forms<Line, Unit, Fixed, Wide, Pyro>;

template <template <class> class Textbook, class T, class Forms>
void check_formulas(const Forms& f) {
  for (const double scale : {0.5, 1.0, 4.0}) {
    INFO("scale " << scale);
    check_formula<Textbook, T>(f.line, scale, 16);
    check_formula<Textbook, T>(f.unit, scale, 16);
    check_formula<Textbook, T>(f.fixed, scale, 16);
    check_formula<Textbook, T>(f.wide, scale, 16);
  }
}
template <template <class> class Textbook, class T, class Forms>
void check_all_round_trips(const Forms& f) {
  for (const double scale : {0.5, 1.0, 4.0}) {
    INFO("scale " << scale);
    check_round_trips<Textbook, T>(f.line, scale);
    check_round_trips<Textbook, T>(f.unit, scale);
    check_round_trips<Textbook, T>(f.fixed, scale);
    check_round_trips<Textbook, T>(f.wide, scale);
    check_round_trips<Textbook, T>(f.pyro, scale);
  }
}
template <template <class> class Textbook, class Forms> void check_all_gradients(const Forms& f) {
  for (const double scale : {0.5, 1.0}) {
    check_gradients<Textbook>(f.line, scale, 1e-6);
    check_gradients<Textbook>(f.unit, scale, 1e-6);
    check_gradients<Textbook>(f.fixed, scale, 1e-6);
    check_gradients<Textbook>(f.wide, scale, 1e-6);
    check_gradients<Textbook>(f.pyro, scale, 1e-6);
  }
  check_gradients<Textbook>(f.line, 4, 1e-4);
  check_gradients<Textbook>(f.wide, 4, 1e-4);
}
template <class F> void check_floats(const F& f) {
  std::mt19937 rng(44);
  for (int trial = 0; trial < trials(100); ++trial) {
    const auto theta = random_theta<float>(f, rng, 1);
    for (const double x : points(f, rng)) check_float(f, theta, float(x), 3, 64);
  }
}

// identity() makes the identity, and says of what theta.
template <class T, class F> std::vector<T> check_identity(const F& f) {
  single<T, F> t{f, std::vector<T>(f.parameters, 7)};
  f.identity(t.theta.data(), 1);
  const double eps = std::numeric_limits<T>::epsilon();
  const double box = f.support == kind::line ? f.half_width : 1;
  std::mt19937 rng(45);
  for (const double x : points(f, rng)) {
    const auto y = t.forward(T(x));
    CHECK(std::abs(y.value - T(x)) <= 4 * eps * box);
    CHECK(std::abs(y.log_slope) <= 8 * eps);
    CHECK(std::abs(t.inverse(T(x)).value - T(x)) <= 4 * eps * box);
  }
  return t.theta;
}

// Tails are the identity and give theta no gradient; f is a spline on [-3, 3].
template <class T, class F> void check_tails(const F& f) {
  std::mt19937 rng(46);
  constexpr T inf = std::numeric_limits<T>::infinity();
  const single<T, F> t{f, random_theta<T>(f, rng, 4)};
  for (const T x : {T(3.0001), T(-1e4), T(1e30), inf, -inf}) {
    CHECK(t.forward(x).value == x);
    CHECK(t.forward(x).log_slope == 0);
    CHECK(t.inverse(x).value == x);
    CHECK(t.inverse(x).log_slope == 0);
    CHECK(t.slope(x).slope == 1);
    CHECK(t.slope(x).dlog == 0);
    const auto g = t.pull_back(x, T(0.75), T(-1.25));
    for (std::size_t j = 0; j < t.theta.size(); ++j) CHECK(g[j] == 0);
    CHECK(g.back() == T(0.75));
  }
  // At the edges the curve meets them, slope 1 included.
  const T eps = std::numeric_limits<T>::epsilon();
  for (const T x : {T(3), T(-3)}) {
    CHECK(std::abs(t.forward(x).value - x) <= 8 * eps);
    CHECK(std::abs(t.inverse(x).value - x) <= 64 * eps);
    CHECK(std::abs(t.forward(x).log_slope) <= 64 * eps);
  }
}

// Extreme parameters leave a spline on [-3, 3] finite and monotone.
template <class T, class F> void check_extremes(const F& f) {
  std::mt19937 rng(47);
  for (const double scale : {30.0, 1000.0})
    for (int trial = 0; trial < trials(50); ++trial) {
      const single<T, F> t{f, random_theta<T>(f, rng, scale)};
      T last = -4, last_inverse = -4;
      const T slack = 64 * std::numeric_limits<T>::epsilon();
      for (int i = -128; i <= 128; ++i) {
        const T x = T(i) * T(3.0 / 128);
        const auto y = t.forward(x), z = t.inverse(x);
        CHECK(std::isfinite(y.log_slope));
        CHECK(std::isfinite(z.log_slope));
        CHECK(y.value >= last - slack);
        CHECK(z.value >= last_inverse - slack);
        last = y.value;
        last_inverse = z.value;
        for (const T g : t.pull_back(x, 1, 1)) CHECK(std::isfinite(g));
      }
      CHECK(last == Approx(3));
    }
}

// A spline of the unit box maps its ends to themselves, and nothing else to them.
template <class T, class F> void check_ends(const single<T, F>& t) {
  const auto check = [&](T x) {
    INFO("x = " << x);
    for (const T y : {t.forward(x).value, t.inverse(x).value}) {
      CHECK(y > 0); // from inside, no end is reached
      CHECK(y < 1);
    }
  };
  for (const T end : {T(0), T(1)}) {
    CHECK(t.forward(end).value == end);
    CHECK(t.inverse(end).value == end);
    CHECK(std::isfinite(t.forward(end).log_slope));
  }
  T low = T(0x1p-24), high = 1;
  for (int i = 0; i < 40; ++i) {
    check(high = std::nextafter(high, T(0)));
    check(low);
    low = std::nextafter(low, T(1));
  }
}
template <class T, class F> void check_ends(const F& f) {
  std::mt19937 rng(49);
  for (const double scale : {0.1, 1.0, 4.0, 30.0})
    for (int trial = 0; trial < trials(100); ++trial)
      check_ends(single<T, F>{f, random_theta<T>(f, rng, scale)});
}

// Theta does not move the ends of the unit box.
template <class T, class F> void check_still_ends(const F& f) {
  // A cotangent of the end's image, however large, leaves those of theta what the log slope makes
  // of them: data on the bound of a fraction bring large ones.
  std::mt19937 rng(50);
  const single<T, F> t{f, random_theta<T>(f, rng, 1)};
  for (const T end : {T(0), T(1)}) {
    INFO("end " << end);
    const auto plain = t.pull_back(end, 0, 1), back = t.pull_back_inverse(end, 0, 1);
    const auto pulled = t.pull_back(end, 1e9F, 1), pulled_back = t.pull_back_inverse(end, 1e9F, 1);
    for (std::size_t j = 0; j < t.theta.size(); ++j) {
      CHECK(pulled[j] == plain[j]);
      CHECK(pulled_back[j] == back[j]);
    }
    const double slope = t.slope(end).slope;
    CHECK(pulled.back() == Approx(1e9 * slope).epsilon(1e-5));
    CHECK(pulled_back.back() == Approx(1e9 / slope).epsilon(1e-5));
    // Outside, where points map to themselves, nothing comes to theta.
    for (const T v : t.pull_back_inverse(end == 0 ? -1e-30F : 1 + 1e-6F, 1, 1))
      CHECK((v == 0 || v == 1));
  }
}

// No finite parameter and no point gives NaN.
template <class T, class F> void check_any_theta(const F& f) {
  using limits = std::numeric_limits<T>;
  std::mt19937 rng(51);
  std::bernoulli_distribution coin;
  for (int trial = 0; trial < 20; ++trial) {
    single<T, F> t{f, random_theta<T>(f, rng, 1)};
    for (T& v : t.theta)
      if (coin(rng)) v = coin(rng) ? limits::max() : limits::lowest();
    for (const T x : {T(0), -T(0), T(1), T(0.5), T(3), T(-3), limits::min(), limits::denorm_min(),
                      limits::max(), limits::lowest(), limits::infinity(), -limits::infinity()}) {
      INFO("x = " << x << ", trial " << trial);
      for (const auto m : {t.forward(x), t.inverse(x)}) {
        CHECK_FALSE(std::isnan(m.value));
        CHECK(std::isfinite(m.log_slope));
      }
      for (const T gy : {T(1), T(0x1p60F)}) {
        for (const T g : t.pull_back(x, gy, 1)) CHECK(std::isfinite(g));
        for (const T g : t.pull_back_inverse(x, gy, 1)) CHECK(std::isfinite(g));
      }
    }
  }
}

} // namespace transformer_check

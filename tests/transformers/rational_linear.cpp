#include <bijou/transformers/rational_linear.hpp>

#include <type_traits>

#include "spline.hpp"

using namespace transformer_check;

static_assert(std::is_empty_v<rational_linear_t<8>>);
static_assert(std::is_empty_v<decltype(rational_linear<8>.unit_box())>);
static_assert(transformer<rational_linear_t<8>>);
static_assert(rational_linear<8>.parameters == 31 && rational_linear<8>.support == kind::line);
static_assert(rational_linear<8>.unit_box().parameters == 33);
static_assert(rational_linear<8>.unit_box().support == kind::unit);
static_assert(rational_linear<8>.unit_box().boundary_slope(1).parameters == 31);
static_assert(rational_linear<8>.bound(5).half_width == 5);
static_assert(rational_linear<8>.pyro().bound(2).edge_slope == 0.999);

namespace {

constexpr auto line = rational_linear<8>;
constexpr auto unit = rational_linear<5>.unit_box();
constexpr auto fixed = rational_linear<3>.unit_box().boundary_slope(0.5);
constexpr auto wide = rational_linear<10>.bound(14);
constexpr auto pyro = rational_linear<8>.pyro();

// The spline as the paper's algorithm 1 writes it, with weights w_a, w_b, w_c and a point y_c, in
// long double. The two pieces of bin k meet at x[k] + l[k] w.
template <class F> struct textbook : spline_knots<F> {
  using spline_knots<F>::x, spline_knots<F>::y, spline_knots<F>::d;
  std::vector<long double> l;

  template <class T> textbook(const F& f, const std::vector<T>& theta) : spline_knots<F>(f, theta) {
    const std::size_t first = 2 * this->bins + std::size_t{F::learned_slopes};
    for (std::size_t k = 0; k < this->bins; ++k)
      l.push_back(0.025L + 0.95L / (1 + std::exp(-static_cast<long double>(theta.at(first + k)))));
  }
  struct middle {
    long double wb, wc, yc; // w_a = 1
  };
  middle middle_of(std::size_t k) const {
    const long double s = (y[k + 1] - y[k]) / (x[k + 1] - x[k]), wb = std::sqrt(d[k] / d[k + 1]);
    return {wb, (l[k] * d[k] + (1 - l[k]) * wb * d[k + 1]) / s,
            ((1 - l[k]) * y[k] + l[k] * wb * y[k + 1]) / (1 - l[k] + l[k] * wb)};
  }
  mapped_value<long double> operator()(long double v) const {
    if (v < x.front() || v > x.back()) return {v, 0};
    const std::size_t k = this->bin_of(v);
    const auto [wb, wc, yc] = middle_of(k);
    const long double w = x[k + 1] - x[k], t = (v - x[k]) / w, m = l[k];
    if (t <= m) {
      const long double den = m - t + wc * t;
      return {(y[k] * (m - t) + wc * yc * t) / den,
              std::log(wc * m * (yc - y[k]) / (den * den * w))};
    }
    const long double den = wc * (1 - t) + wb * (t - m);
    return {(wc * yc * (1 - t) + wb * y[k + 1] * (t - m)) / den,
            std::log(wb * wc * (1 - m) * (y[k + 1] - yc) / (den * den * w))};
  }
  std::vector<long double> kinks_of_x() const {
    std::vector<long double> all = this->x;
    for (std::size_t k = 0; k < this->bins; ++k)
      all.push_back(this->x[k] + l[k] * (this->x[k + 1] - this->x[k]));
    return all;
  }
  std::vector<long double> kinks_of_y() const {
    std::vector<long double> all = this->y;
    for (std::size_t k = 0; k < this->bins; ++k) all.push_back(middle_of(k).yc);
    return all;
  }
};

constexpr spline_forms forms{line, unit, fixed, wide, pyro};

} // namespace

TEMPLATE_TEST_CASE("rational_linear: the paper's formula", "[transformers][rational_linear]", float,
                   double) {
  check_formulas<textbook, TestType>(forms);
}

TEMPLATE_TEST_CASE("rational_linear: inverse undoes forward", "[transformers][rational_linear]",
                   float, double) {
  check_all_round_trips<textbook, TestType>(forms);
}

TEST_CASE("rational_linear: derivatives agree with central differences",
          "[transformers][rational_linear]") {
  check_all_gradients<textbook>(forms);
}

TEST_CASE("rational_linear: float agrees with double", "[transformers][rational_linear]") {
  check_floats(line);
}

TEMPLATE_TEST_CASE("rational_linear: both pieces of a bin meet with one value and one slope",
                   "[transformers][rational_linear]", float, double) {
  using T = TestType;
  constexpr T eps = std::numeric_limits<T>::epsilon();
  std::mt19937 rng(52);
  for (int trial = 0; trial < trials(50); ++trial) {
    const single<T, std::remove_const_t<decltype(unit)>> t{unit, random_theta<T>(unit, rng, 1)};
    const textbook<std::remove_const_t<decltype(unit)>> expected(unit, t.theta);
    for (std::size_t k = 0; k < expected.bins; ++k) {
      const long double width = expected.x[k + 1] - expected.x[k];
      const T x = T(expected.x[k] + expected.l[k] * width);
      const double slope = t.slope(x).slope;
      INFO("bin " << k << ", x = " << x << ", slope " << slope);
      CHECK(std::abs(t.forward(x).value - expected.middle_of(k).yc) <= 16 * eps * (1 + slope));
      CHECK(std::abs(t.inverse(T(expected.middle_of(k).yc)).value - x) <=
            16 * eps * (1 + 1 / slope));
      const T below = x - 8 * eps, above = x + 8 * eps;
      const double dlog =
          std::max(std::abs(double(t.slope(below).dlog)), std::abs(double(t.slope(above).dlog)));
      CHECK(std::abs(t.forward(below).log_slope - t.forward(above).log_slope) <=
            32 * eps * (1 + dlog + std::abs(t.forward(x).log_slope)));
    }
  }
}

TEMPLATE_TEST_CASE("rational_linear: the adjoint of the inverse stays on the piece of the inverse",
                   "[transformers][rational_linear]", float, double) {
  using T = TestType;
  // Steep in the middle of a bin: x is rounded to the meeting point for many y on both sides of it.
  // Widths of 0.001 and 0.999 make the slope 999 in the first bin; flat ends make its middle
  // steeper.
  constexpr auto two = rational_linear<2>.unit_box();
  const single<T, std::remove_const_t<decltype(two)>> t{two, {-50, 50, 0, 0, -50, -50, 0, 0, 0}};
  const textbook<std::remove_const_t<decltype(two)>> expected(two, t.theta);
  const T middle = T(expected.middle_of(0).yc), step = 4 * std::numeric_limits<T>::epsilon();
  for (int i = -4; i < 4; ++i) {
    const T y = middle + (static_cast<T>(i) + T(0.5)) * step;
    INFO("y = " << middle << " + " << i << " steps and a half");
    const T by_y = t.pull_back_inverse(y, 0, 1).back();
    CHECK((i < 0 ? by_y < T(-0.1) : by_y > T(0.1)));
  }
}

TEMPLATE_TEST_CASE("rational_linear: identity parameters are the identity",
                   "[transformers][rational_linear]", float, double) {
  for (const TestType v : check_identity<TestType>(line)) CHECK(v == 0);
  for (const TestType v : check_identity<TestType>(unit)) CHECK(v == 0);
  check_identity<TestType>(wide);
  check_identity<TestType>(line.plain_slopes());
}

TEMPLATE_TEST_CASE("rational_linear: tails are the identity and give theta no gradient",
                   "[transformers][rational_linear]", float, double) {
  check_tails<TestType>(line);
}

TEMPLATE_TEST_CASE("rational_linear: extreme parameters stay finite and monotone",
                   "[transformers][rational_linear]", float, double) {
  check_extremes<TestType>(line);
}

TEMPLATE_TEST_CASE("rational_linear: lanes and NaN", "[transformers][rational_linear]", float,
                   double) {
  std::mt19937 rng(48);
  check_lanes<TestType>(line, rng);
  check_lanes<TestType>(unit, rng);
  check_lanes<TestType>(pyro, rng);
  check_nan<TestType>(line, rng);
  check_nan<TestType>(unit, rng);
}

TEMPLATE_TEST_CASE("rational_linear: the unit box keeps its own", "[transformers][rational_linear]",
                   float, double) {
  check_ends<TestType>(unit);
  check_ends<TestType>(fixed);
}

TEMPLATE_TEST_CASE("rational_linear: theta does not move the ends",
                   "[transformers][rational_linear]", float, double) {
  check_still_ends<TestType>(unit);
}

TEMPLATE_TEST_CASE("rational_linear: no finite parameter and no point gives NaN",
                   "[transformers][rational_linear]", float, double) {
  check_any_theta<TestType>(line);
  check_any_theta<TestType>(unit);
  check_any_theta<TestType>(fixed);
  check_any_theta<TestType>(pyro);
}

TEST_CASE("rational_linear: options out of range are refused", "[transformers][rational_linear]") {
  CHECK_THROWS_WITH(line.bound(-1), "rational_linear.bound: expected positive, got -1");
  CHECK_THROWS_AS(line.boundary_slope(0), std::invalid_argument);
  CHECK_THROWS_AS(line.knot_epsilon(-1e-6), std::invalid_argument);
  CHECK_THROWS_WITH(line.bound(1e39).check_options<float>(),
                    Catch::Contains("rational_linear<8>.bound(1e+39): in float"));
}

TEST_CASE("rational_linear: its text names options that differ from the default",
          "[transformers][rational_linear]") {
  CHECK(line.text() == "rational_linear<8>");
  CHECK(line.bound(3).text() == "rational_linear<8>");
  CHECK(wide.text() == "rational_linear<10>.bound(14)");
  CHECK(unit.text() == "rational_linear<5>.unit_box()");
  CHECK(fixed.text() == "rational_linear<3>.unit_box().boundary_slope(0.5)");
  CHECK(pyro.text() ==
        "rational_linear<8>.boundary_slope(0.999).knot_epsilon(1e-06).plain_slopes()");
}

#include <bijou/transformers/rational_quadratic.hpp>

#include <type_traits>

#include "../support/emulated.hpp"
#include "transformers/check.hpp"

using namespace transformer_check;

static_assert(std::is_empty_v<rational_quadratic_t<8>>);
static_assert(std::is_empty_v<decltype(rational_quadratic<8>.unit_box())>);
static_assert(transformer<rational_quadratic_t<8>>);
static_assert(rational_quadratic<8>.parameters == 23 &&
              rational_quadratic<8>.support == kind::line);
static_assert(rational_quadratic<8>.unit_box().parameters == 25);
static_assert(rational_quadratic<8>.unit_box().support == kind::unit);
static_assert(rational_quadratic<8>.unit_box().boundary_slope(1).parameters == 23);
static_assert(rational_quadratic<8>.bound(5).half_width == 5);
static_assert(rational_quadratic<8>.pyro().bound(2).edge_slope == 0.999);

namespace {

constexpr auto line = rational_quadratic<8>;
constexpr auto unit = rational_quadratic<5>.unit_box();
constexpr auto fixed = rational_quadratic<3>.unit_box().boundary_slope(0.5);
constexpr auto wide = rational_quadratic<10>.bound(14);
constexpr auto pyro = rational_quadratic<8>.pyro();

using bijou::testing::trials;

template <class F> constexpr bool on_line = F::support == kind::line;

// The spline as the paper writes it: all knots and slopes, in long double.
template <class F> struct textbook {
  std::vector<long double> x, y, d;
  std::size_t bins = F::bins;

  template <class T> textbook(const F& f, const std::vector<T>& theta) {
    const long double low = on_line<F> ? -f.half_width : 0, span = on_line<F> ? -2 * low : 1;
    x = knots(theta, 0, low, span);
    y = knots(theta, bins, low, span);
    const bool learned = theta.size() == 3 * bins + 1;
    for (std::size_t j = 2 * bins; j < theta.size(); ++j)
      d.push_back(0.001L + std::log1p(std::exp(static_cast<long double>(theta[j]) +
                                               static_cast<long double>(f.slope_offset))));
    if (!learned) {
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
  mapped_value<long double> operator()(long double v) const {
    if (v < x.front() || v > x.back()) return {v, 0};
    std::size_t k = 0;
    while (k + 1 < bins && v >= x[k + 1]) ++k;
    const long double w = x[k + 1] - x[k], h = y[k + 1] - y[k], s = h / w, t = (v - x[k]) / w;
    const long double q = t * (1 - t), den = s + (d[k + 1] + d[k] - 2 * s) * q;
    return {
        y[k] + h * (s * t * t + d[k] * q) / den,
        std::log(s * s * (d[k + 1] * t * t + 2 * s * q + d[k] * (1 - t) * (1 - t)) / (den * den))};
  }
};

// Points in every bin, in the tails and beyond them.
template <class F> std::vector<double> points(const F& f, std::mt19937& rng) {
  const double low = on_line<F> ? -f.half_width : 0, span = on_line<F> ? -2 * low : 1;
  std::uniform_real_distribution<double> box(low, low + span);
  std::vector<double> x{low - 0.01 * span, low + 1.25 * span, 1e4, -1e4};
  for (int i = 0; i < 12; ++i) x.push_back(static_cast<float>(box(rng)));
  return x;
}

template <class T, class F> void check_formula(const F& f, double scale, double ulps) {
  std::mt19937 rng(41);
  const double eps = std::numeric_limits<T>::epsilon();
  const double box = on_line<F> ? f.half_width : 1;
  for (int trial = 0; trial < trials(50); ++trial) {
    const single<T, F> t{f, random_theta<T>(f, rng, scale)};
    const textbook<F> expected(f, t.theta);
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

template <class T, class F> void check_round_trips(const F& f, double scale) {
  std::mt19937 rng(42);
  const double box = on_line<F> ? f.half_width : 1;
  for (int trial = 0; trial < trials(100); ++trial) {
    const single<T, F> t{f, random_theta<T>(f, rng, scale)};
    const textbook<F> knots(f, t.theta);
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

template <class F> void check_gradients(const F& f, double scale, double tolerance) {
  std::mt19937 rng(43);
  for (int trial = 0; trial < trials(20); ++trial) {
    const single<double, F> t{f, random_theta<double>(f, rng, scale)};
    const textbook<F> knots(f, t.theta);
    for (const double x : points(f, rng)) {
      // No difference quotient across a knot, where the log slope has a kink.
      const auto near = [&](const std::vector<long double>& k, double v) {
        return std::any_of(k.begin(), k.end(),
                           [&](long double at) { return std::abs(at - v) < 2e-4L; });
      };
      if (near(knots.x, x) || near(knots.y, t.forward(x).value)) continue;
      check_derivatives(t, x, tolerance);
    }
  }
}

} // namespace

TEMPLATE_TEST_CASE("rational_quadratic: the paper's formula", "[transformers][rational_quadratic]",
                   float, double) {
  for (const double scale : {0.5, 1.0, 4.0}) {
    INFO("scale " << scale);
    check_formula<TestType>(line, scale, 16);
    check_formula<TestType>(unit, scale, 16);
    check_formula<TestType>(fixed, scale, 16);
    check_formula<TestType>(wide, scale, 16);
  }
}

TEMPLATE_TEST_CASE("rational_quadratic: inverse undoes forward",
                   "[transformers][rational_quadratic]", float, double) {
  for (const double scale : {0.5, 1.0, 4.0}) {
    INFO("scale " << scale);
    check_round_trips<TestType>(line, scale);
    check_round_trips<TestType>(unit, scale);
    check_round_trips<TestType>(fixed, scale);
    check_round_trips<TestType>(wide, scale);
    check_round_trips<TestType>(pyro, scale);
  }
}

TEST_CASE("rational_quadratic: derivatives agree with central differences",
          "[transformers][rational_quadratic]") {
  for (const double scale : {0.5, 1.0}) {
    check_gradients(line, scale, 1e-6);
    check_gradients(unit, scale, 1e-6);
    check_gradients(fixed, scale, 1e-6);
    check_gradients(wide, scale, 1e-6);
    check_gradients(pyro, scale, 1e-6);
  }
  check_gradients(line, 4, 1e-4);
  check_gradients(wide, 4, 1e-4);
}

TEST_CASE("rational_quadratic: float agrees with double", "[transformers][rational_quadratic]") {
  std::mt19937 rng(44);
  for (int trial = 0; trial < trials(100); ++trial) {
    const auto theta = random_theta<float>(line, rng, 1);
    for (const double x : points(line, rng)) check_float(line, theta, float(x), 3, 64);
  }
}

TEMPLATE_TEST_CASE("rational_quadratic: identity parameters are the identity",
                   "[transformers][rational_quadratic]", float, double) {
  const auto check = [](auto f) {
    single<TestType, decltype(f)> t{f, std::vector<TestType>(f.parameters, 7)};
    f.identity(t.theta.data(), 1);
    const double eps = std::numeric_limits<TestType>::epsilon();
    const double box = f.support == kind::line ? f.half_width : 1;
    std::mt19937 rng(45);
    for (const double x : points(f, rng)) {
      const auto y = t.forward(TestType(x));
      CHECK(std::abs(y.value - TestType(x)) <= 4 * eps * box);
      CHECK(std::abs(y.log_slope) <= 8 * eps);
      CHECK(std::abs(t.inverse(TestType(x)).value - TestType(x)) <= 4 * eps * box);
    }
    return t.theta;
  };
  for (const TestType v : check(line)) CHECK(v == 0);
  for (const TestType v : check(unit)) CHECK(v == 0);
  check(wide);
  check(line.plain_slopes());
}

TEMPLATE_TEST_CASE("rational_quadratic: tails are the identity and give theta no gradient",
                   "[transformers][rational_quadratic]", float, double) {
  std::mt19937 rng(46);
  constexpr TestType inf = std::numeric_limits<TestType>::infinity();
  const single<TestType, rational_quadratic_t<8>> t{line, random_theta<TestType>(line, rng, 4)};
  for (const TestType x : {TestType(3.0001), TestType(-1e4), TestType(1e30), inf, -inf}) {
    CHECK(t.forward(x).value == x);
    CHECK(t.forward(x).log_slope == 0);
    CHECK(t.inverse(x).value == x);
    CHECK(t.inverse(x).log_slope == 0);
    CHECK(t.slope(x).slope == 1);
    CHECK(t.slope(x).dlog == 0);
    const auto g = t.pull_back(x, TestType(0.75), TestType(-1.25));
    for (std::size_t j = 0; j < t.theta.size(); ++j) CHECK(g[j] == 0);
    CHECK(g.back() == TestType(0.75));
  }
  // At the edges the curve meets them, slope 1 included.
  const TestType eps = std::numeric_limits<TestType>::epsilon();
  for (const TestType x : {TestType(3), TestType(-3)}) {
    CHECK(std::abs(t.forward(x).value - x) <= 8 * eps);
    CHECK(std::abs(t.inverse(x).value - x) <= 64 * eps);
    CHECK(std::abs(t.forward(x).log_slope) <= 64 * eps);
  }
}

TEMPLATE_TEST_CASE("rational_quadratic: extreme parameters stay finite and monotone",
                   "[transformers][rational_quadratic]", float, double) {
  std::mt19937 rng(47);
  for (const double scale : {30.0, 1000.0})
    for (int trial = 0; trial < trials(50); ++trial) {
      const single<TestType, rational_quadratic_t<8>> t{line,
                                                        random_theta<TestType>(line, rng, scale)};
      TestType last = -4, last_inverse = -4;
      const TestType slack = 64 * std::numeric_limits<TestType>::epsilon();
      for (int i = -128; i <= 128; ++i) {
        const TestType x = TestType(i) * TestType(3.0 / 128);
        const auto y = t.forward(x), z = t.inverse(x);
        CHECK(std::isfinite(y.log_slope));
        CHECK(std::isfinite(z.log_slope));
        CHECK(y.value >= last - slack);
        CHECK(z.value >= last_inverse - slack);
        last = y.value;
        last_inverse = z.value;
        for (const TestType g : t.pull_back(x, 1, 1)) CHECK(std::isfinite(g));
      }
      CHECK(last == Approx(3));
    }
}

TEMPLATE_TEST_CASE("rational_quadratic: lanes and NaN", "[transformers][rational_quadratic]", float,
                   double) {
  std::mt19937 rng(48);
  check_lanes<TestType>(line, rng);
  check_lanes<TestType>(unit, rng);
  check_lanes<TestType>(pyro, rng);
  check_nan<TestType>(line, rng);
  check_nan<TestType>(unit, rng);
}

TEMPLATE_TEST_CASE("rational_quadratic: the unit box keeps its own",
                   "[transformers][rational_quadratic]", float, double) {
  using T = TestType;
  const auto check = [](const auto& t, T x) {
    INFO("x = " << x);
    for (const T y : {t.forward(x).value, t.inverse(x).value}) {
      CHECK(y > 0); // from inside, no end is reached
      CHECK(y < 1);
    }
  };
  std::mt19937 rng(49);
  const auto check_ends = [&](const auto& t) {
    for (const T end : {T(0), T(1)}) {
      CHECK(t.forward(end).value == end);
      CHECK(t.inverse(end).value == end);
      CHECK(std::isfinite(t.forward(end).log_slope));
    }
    T low = T(0x1p-24), high = 1;
    for (int i = 0; i < 40; ++i) {
      check(t, high = std::nextafter(high, T(0)));
      check(t, low);
      low = std::nextafter(low, T(1));
    }
  };
  constexpr auto two = rational_quadratic<2>.unit_box();
  check_ends(single<T, std::remove_const_t<decltype(two)>>{two, {-4, 0, T(-3.9), 0, 0, 0, 0}});
  for (const double scale : {0.1, 1.0, 4.0, 30.0})
    for (int trial = 0; trial < trials(100); ++trial) {
      check_ends(
          single<T, std::remove_const_t<decltype(unit)>>{unit, random_theta<T>(unit, rng, scale)});
      check_ends(single<T, std::remove_const_t<decltype(fixed)>>{
          fixed, random_theta<T>(fixed, rng, scale)});
    }
}

TEMPLATE_TEST_CASE("rational_quadratic: the inverse and its adjoint find one bin",
                   "[transformers][rational_quadratic]", float, double) {
  using T = TestType;
  // A search offset carries the knot: at y = 7e-7 the inverse is still in the left bin, where the
  // log slope falls. d log|dx/dy| / dy by the paper's formula at t = 1: M' = 2 (d1 - s) and
  // n' = 2s - d0 - d1, with s = 1, w = 3.
  constexpr auto shifted = rational_quadratic<2>.pyro();
  const single<T, std::remove_const_t<decltype(shifted)>> t{shifted, std::vector<T>(5, T(0))};
  const double d0 = 0.999, d1 = 0.001 + std::log(2.0);
  const double left = -(2 * (d1 - 1) / d1 - 2 * (2 - d0 - d1)) / 3 / d1; // 0.717879
  const double right = -(2 * (1 - d1) / d1 - 2 * (d0 + d1 - 2)) / 3 / d1;
  for (const T y : {T(-1e-7), T(0), T(5e-7), T(7e-7)})
    CHECK(t.pull_back_inverse(y, 0, 1).back() == Approx(left).epsilon(1e-4));
  CHECK(t.pull_back_inverse(T(1.2e-6), 0, 1).back() == Approx(right).epsilon(1e-4));

  // A steep knot at (1/2, 1/2): x is rounded to the knot for many y on both sides of it.
  constexpr auto two = rational_quadratic<2>.unit_box();
  const single<T, std::remove_const_t<decltype(two)>> steep{two, {0, 0, 0, 0, 0, 50, 0}};
  const T step = 4 * std::numeric_limits<T>::epsilon();
  for (int i = -3; i < 3; ++i) {
    const T y = T(0.5) + static_cast<T>(i) * step;
    INFO("y = 1/2 + " << i << " steps");
    CHECK(steep.inverse(y).value == Approx(0.5).epsilon(1e-6));
    const T by_y = steep.pull_back_inverse(y, 0, 1).back();
    CHECK((i < 0 ? by_y < T(-0.1) : by_y > T(0.1)));
  }
}

TEMPLATE_TEST_CASE("rational_quadratic: theta does not move the ends",
                   "[transformers][rational_quadratic]", float, double) {
  // A cotangent of the end's image, however large, leaves those of theta what the log slope makes
  // of them: data on the bound of a fraction bring large ones.
  std::mt19937 rng(50);
  const single<TestType, std::remove_const_t<decltype(unit)>> t{
      unit, random_theta<TestType>(unit, rng, 1)};
  for (const TestType end : {TestType(0), TestType(1)}) {
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
    for (const TestType v : t.pull_back_inverse(end == 0 ? -1e-30F : 1 + 1e-6F, 1, 1))
      CHECK((v == 0 || v == 1));
  }
}

TEMPLATE_TEST_CASE("rational_quadratic: no finite parameter and no point gives NaN",
                   "[transformers][rational_quadratic]", float, double) {
  using T = TestType;
  using limits = std::numeric_limits<T>;
  const auto check = [](const auto& f) {
    std::mt19937 rng(51);
    std::bernoulli_distribution coin;
    for (int trial = 0; trial < 20; ++trial) {
      single<T, std::remove_cvref_t<decltype(f)>> t{f, random_theta<T>(f, rng, 1)};
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
  };
  check(line);
  check(unit);
  check(fixed);
  check(pyro);
}

TEMPLATE_TEST_CASE("rational_quadratic: a boundary slope may be small",
                   "[transformers][rational_quadratic]", float, double) {
  constexpr auto flat = rational_quadratic<3>.unit_box().boundary_slope(1e-9);
  const single<TestType, std::remove_const_t<decltype(flat)>> t{flat, std::vector<TestType>(8)};
  CHECK(t.forward(0).log_slope == Approx(std::log(1e-9)));
  CHECK(t.inverse(0).log_slope == Approx(std::log(1e-9)));
}

TEST_CASE("rational_quadratic: options out of range are refused",
          "[transformers][rational_quadratic]") {
  CHECK_THROWS_WITH(line.bound(-1), Catch::Contains("rational_quadratic.bound") &&
                                        Catch::Contains("positive") && Catch::Contains("-1"));
  CHECK_THROWS_AS(line.bound(0), std::invalid_argument);
  CHECK_THROWS_AS(line.bound(std::numeric_limits<double>::infinity()), std::invalid_argument);
  CHECK_THROWS_AS(line.boundary_slope(0), std::invalid_argument);
  CHECK_THROWS_AS(line.knot_epsilon(-1e-6), std::invalid_argument);
}

TEST_CASE("rational_quadratic: its text names options that differ from the default",
          "[transformers][rational_quadratic]") {
  CHECK(line.text() == "rational_quadratic<8>");
  CHECK(line.bound(3).text() == "rational_quadratic<8>");
  CHECK(wide.text() == "rational_quadratic<10>.bound(14)");
  CHECK(unit.text() == "rational_quadratic<5>.unit_box()");
  CHECK(fixed.text() == "rational_quadratic<3>.unit_box().boundary_slope(0.5)");
  CHECK(pyro.text() ==
        "rational_quadratic<8>.boundary_slope(0.999).knot_epsilon(1e-06).plain_slopes()");
}

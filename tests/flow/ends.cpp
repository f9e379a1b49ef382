/// \file
/// The ends of supports: which numbers are inside, what lies on an end and beside it scores, that
/// no sample leaves the support by rounding, and that gradients there are numbers.
///
/// Right values are densities by the textbook in long double, from y itself: with a = y - low and
/// b = high - y, x = log(a / b) and dx/dy = 1/a + 1/b for intervals.

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "check.hpp"

using namespace bijou;
using testing::make_subject;
using testing::subject;
using testing::wants;

namespace {

using real = long double;
using wide = std::vector<double>;

template <class T> T next(T v) { return std::nextafter(v, std::numeric_limits<T>::infinity()); }
template <class T> T before(T v) { return std::nextafter(v, -std::numeric_limits<T>::infinity()); }

/// log p and d log p / dy of y = f(x), x standard normal, from x and two derivatives by y.
struct scored {
  real log_prob, slope;
};
scored normal_of(real x, real by_y, real by_y_twice) {
  return {-x * x / 2 - 0.918938533204672741780L + std::log(by_y), -x * by_y + by_y_twice / by_y};
}
scored interval(real low, real high, real y) {
  const real a = y - low, b = high - y;
  return normal_of(std::log(a / b), 1 / a + 1 / b, 1 / (b * b) - 1 / (a * a));
}
scored cauchy_quantile_of_normal(real y) {
  const real pi = 3.14159265358979323846264338L;
  const real x = y < 0.25L ? -1 / std::tan(pi * y) : 1 / std::tan(pi * (1 - y)), r = 1 + x * x;
  return normal_of(x, pi * r, 2 * pi * pi * x * r);
}
scored log_normal(real y) { return normal_of(std::log(y), 1 / y, -1 / (y * y)); }
scored softplus_of_normal(real y) {
  const real e = -std::expm1(-y);
  return normal_of(y + std::log(e), 1 / e, -std::exp(-y) / (e * e));
}
scored tanh_of_normal(real y) {
  const real a = 1 + y, b = 1 - y;
  return normal_of(std::log(a / b) / 2, 1 / (a * b), 2 * y / (a * b * a * b));
}

/// log p of one event and in the middle of two tiles, which must agree.
template <class T> T log_prob(const subject<T>& f, T y) {
  const std::size_t n = f.tile + 3, at = f.tile - 1;
  std::vector<T> batch(n, f.forward({T(0.25)}, {}).values[0]);
  batch[at] = y;
  const T one = f.log_prob({y}, {})[0];
  const T tiled = f.log_prob(batch, {})[at];
  CHECK(testing::same_bits(one, tiled));
  if (f.differentiable) {
    const auto g = f.log_prob_gradient(batch, {}, std::vector<T>(n, T(1)), T(1));
    CHECK(testing::same_bits(g.log_prob[at], one));
  }
  return one;
}
/// Gradients of log p at y, all of which must be numbers.
template <class T> testing::gradients<T> gradient(const subject<T>& f, T y) {
  const auto g = f.log_prob_gradient({y}, {}, {T(1)}, T(1));
  for (const T v : g.by_parameters) CHECK(std::isfinite(v));
  CHECK(std::isfinite(g.by_inputs[0]));
  return g;
}

/// Scores and slopes at each y against the textbook.
template <class T, class E, class Reference>
void check_scores(const E& expression, const std::vector<T>& ys, const Reference& reference) {
  const auto f = make_subject<T, wants::log_prob_gradient>(normal<1> | expression, 0.0F);
  const double eps = std::numeric_limits<T>::epsilon();
  for (const T y : ys) {
    INFO(f.text << " at " << y);
    const scored right = reference(static_cast<real>(y));
    const auto size = static_cast<double>(std::abs(right.log_prob));
    CHECK(
        testing::near(log_prob(f, y), static_cast<double>(right.log_prob), 16 * eps * (1 + size)));
    const auto g = gradient(f, y);
    const auto by_y = static_cast<double>(right.slope);
    // Cotangents saturate where their products would overflow.
    const double most = sizeof(T) == 4 ? 0x1p110 : 0x1p1000;
    CHECK(testing::near(g.by_inputs[0], std::clamp(by_y, -most, most),
                        64 * eps * (1 + size) * (1 + std::min(most, std::abs(by_y)))));
  }
}

/// No noise, however far out, makes a sample that the flow finds outside its support.
template <class T, class E> void check_samples(const E& expression) {
  const auto f = make_subject<T, wants::evaluation>(expression, 0.0F);
  INFO(f.text);
  std::vector<T> noise;
  if (f.on_box()) {
    for (T x : {T(0), T(0x1p-24), T(0.5), T(1)})
      for (int i = 0; i < 5 && x <= 1; ++i, x = next(x)) noise.push_back(x);
    for (T x = 1; x > 1 - 20 * std::numeric_limits<T>::epsilon(); x = before(x)) noise.push_back(x);
  } else {
    for (const double x :
         {0.0, 1e-30, 0.5, 8.5, 9.1, 16.0, 17.5, 36.0, 40.0, 88.0, 90.0, 104.0, 700.0, 750.0, 1e4})
      for (const double sign : {-1, 1}) noise.push_back(static_cast<T>(sign * x));
  }
  const auto y = f.sample_from(noise, {});
  const auto p = f.log_prob(y.values, {});
  for (std::size_t i = 0; i < noise.size(); ++i) {
    INFO("noise " << noise[i] << " makes " << y.values[i]);
    CHECK(std::isfinite(y.values[i]));
    CHECK(std::isfinite(p[i]));
    CHECK(testing::same_bits(p[i], f.log_prob({y.values[i]}, {})[0]));
  }
}

/// A constant of a formula.
template <class X> X constant(double v) {
  return X(static_cast<typename math::scalar_of<X>::type>(v));
}

/// Maps of a user that say more than rounding keeps.
struct square_map { // underflows to 0, overflows to inf
  static constexpr auto domain = kind::positive, image = kind::positive;
  template <class X> X forward(X x) const { return x * x; }
  template <class X> X inverse(X y) const { return math::sqrt(y); }
  template <class X> X log_abs_slope(X x) const { return math::log(x + x); }
};
struct half_sum_map { // reaches -1 and 1
  static constexpr auto domain = kind::unit, image = kind::symmetric;
  template <class X> X forward(X x) const { return x + x - X(1); }
  template <class X> X inverse(X y) const { return X(0.5) * y + X(0.5); }
  template <class X> X log_abs_slope(X x) const {
    return X(0) * x + constant<X>(0.6931471805599453);
  }
};
struct shrink_map { // leaves the unit interval at either end
  static constexpr auto domain = kind::line, image = kind::unit;
  template <class X> X forward(X x) const {
    return constant<X>(1.0000001) * math::sigmoid(x) - constant<X>(5e-8);
  }
  template <class X> X inverse(X y) const {
    const X u =
        math::max(constant<X>(1e-7), math::min(constant<X>(1 - 1e-7),
                                               (y + constant<X>(5e-8)) / constant<X>(1.0000001)));
    return math::log(u / (X(1) - u));
  }
  template <class X> X log_abs_slope(X x) const {
    return math::log_sigmoid(x) + math::log_sigmoid(-x);
  }
};

/// e^x + 5, onto a half-line that does not hold 1.
struct above_five {
  static constexpr auto image = kind::interval;
  static constexpr double low = 5, high = std::numeric_limits<double>::infinity();
  template <class X> X forward(X x) const { return math::exp(x) + X(5); }
  template <class X> X inverse(X y) const { return math::log(math::max(X(0x1p-20), y - X(5))); }
  template <class X> X log_abs_slope(X x) const { return x; }
};

} // namespace

TEMPLATE_TEST_CASE("which numbers a support holds: ends, and the numbers beside them", "[flow]",
                   float, double) {
  using T = TestType;
  constexpr T inf = std::numeric_limits<T>::infinity(), most = std::numeric_limits<T>::max();
  constexpr T tiny = std::numeric_limits<T>::denorm_min();
  const auto check = [](const auto& expression, std::vector<T> inside, std::vector<T> outside) {
    const auto f = make_subject<T, wants::log_prob_gradient>(expression, 0.0F);
    INFO(f.text);
    for (const T y : inside) {
      INFO("inside: " << y);
      CHECK(std::isfinite(log_prob(f, y)));
    }
    for (const T y : outside) {
      INFO("outside: " << y);
      CHECK(log_prob(f, y) == -inf);
      const auto g = gradient(f, y);
      CHECK(g.by_inputs[0] == 0);
      for (const T v : g.by_parameters) CHECK(v == 0);
    }
  };
  // Closed at both ends.
  check(uniform<1>, {0, -T(0), tiny, before(T(1)), 1}, {-tiny, next(T(1)), -1, 2, inf, -inf});
  check(normal<1> | sigmoid_map, {0, -T(0), tiny, before(T(1)), 1}, {-tiny, next(T(1)), inf, -inf});
  // Without tiny: its noise is so large that its square overflows, and log p is -inf.
  check(normal<1> | arctan_map, {0, -T(0), before(T(1)), 1}, {-tiny, next(T(1)), inf, -inf});
  check(normal<1> | interval_map(-2, 3), {-2, next(T(-2)), before(T(3)), 3},
        {before(T(-2)), next(T(3)), inf, -inf});
  check(normal<1> | gumbel_map, {0, -T(0), tiny, before(T(1)), 1}, {-tiny, next(T(1)), inf, -inf});
  const T low = T(0.1), high = T(0.3); // ends that are no numbers of T: the nearest are
  check(normal<1> | interval_map(0.1, 0.3), {low, next(low), before(high), high},
        {before(low), next(high)});
  check(normal<1> | softclip_map(0.1), {-low, next(-low), 0, before(low), low},
        {before(-low), next(low)});
  // Closed at one, and a half-line.
  check(normal<1> | elu_map, {-1, next(T(-1)), -tiny, 0, 1}, {before(T(-1)), -2, inf, -inf});
  check(normal<1> | elementwise(above_five{}), {5, next(T(5)), 6}, {before(T(5)), 0, inf, -inf});
  // Open at both.
  check(normal<1> | tanh_map, {next(T(-1)), 0, before(T(1))},
        {-1, before(T(-1)), 1, next(T(1)), inf, -inf});
  check(normal<1> | exp_map, {tiny, std::numeric_limits<T>::min(), most},
        {0, -T(0), -tiny, -1, inf, -inf});
  check(normal<1> | softplus_map, {tiny, 1}, {0, -T(0), -tiny, inf, -inf});
  check(normal<1>, {0, 1}, {inf, -inf});
}

TEMPLATE_TEST_CASE("scores and slopes beside the ends are the textbook's", "[flow]", float,
                   double) {
  using T = TestType;
  constexpr T tiny = std::numeric_limits<T>::denorm_min(), least = std::numeric_limits<T>::min();
  constexpr T most = std::numeric_limits<T>::max();
  check_scores<T>(sigmoid_map,
                  {tiny, least / 2, least, T(1e-30), T(1e-10), T(0.001), T(0.5), T(0.999),
                   T(1 - 1e-6), before(before(T(1))), before(T(1))},
                  [](real y) { return interval(0, 1, y); });
  check_scores<T>(arctan_map,
                  {T(1e-10), T(0.001), T(0.5), T(0.999), before(before(T(1))), before(T(1))},
                  cauchy_quantile_of_normal);
  check_scores<T>(interval_map(-1, 1),
                  {next(T(-1)), next(next(T(-1))), T(-0.999), 0, T(0.5), T(0.999), before(T(1))},
                  [](real y) { return interval(-1, 1, y); });
  // A distance from 0 is known to its last bit, also from above.
  check_scores<T>(interval_map(-2, 0), {-tiny, -least, T(-1e-20), T(-1e-5), -1, T(-1.99)},
                  [](real y) { return interval(-2, 0, y); });
  // Ends that float rounds: distances are from where they were asked for.
  check_scores<T>(interval_map(0.1, 0.3), {next(T(0.1)), T(0.2), before(T(0.3))},
                  [](real y) { return interval(0.1, 0.3, y); });
  check_scores<T>(interval_map(1000, 1001), {next(T(1000)), T(1000.5), before(T(1001))},
                  [](real y) { return interval(1000, 1001, y); });
  check_scores<T>(exp_map, {tiny, least, T(1e-30), 1, T(1e30), most}, log_normal);
  check_scores<T>(softplus_map, {tiny, least, T(1e-30), T(0.01), 1, 30, 1000}, softplus_of_normal);
  check_scores<T>(tanh_map, {next(T(-1)), T(-0.999), T(1e-30), T(0.5), before(T(1))},
                  tanh_of_normal);
  if (sizeof(T) == 4) {
    const auto f = make_subject<T, wants::evaluation>(normal<1> | sigmoid_map, 0.0F);
    CHECK(f.log_prob({T(0.99999994F)}, {})[0] == Approx(-122.654).epsilon(1e-5));
  }
}

TEMPLATE_TEST_CASE("both ends of an interval cost the same, as much as the number beside one",
                   "[flow]", float, double) {
  using T = TestType;
  const auto check = [](const auto& word, T low, T high) {
    const auto f = make_subject<T, wants::log_prob_gradient>(normal<1> | word, 0.0F);
    INFO(f.text);
    const T cost = log_prob(f, low);
    CHECK(log_prob(f, high) == cost);
    // The number beside the end with the wider gap.
    const T beside = std::max(log_prob(f, next(low)), log_prob(f, before(high)));
    CHECK(cost == Approx(double(beside)).epsilon(0.05));
    const T at_low = gradient(f, low).by_inputs[0], at_high = gradient(f, high).by_inputs[0];
    CHECK(at_low == -at_high);
    CHECK(at_low > 1);
  };
  check(sigmoid_map, 0, 1);
  check(arctan_map, 0, 1);
  check(interval_map(-1, 1), -1, 1);
  check(interval_map(0, 180), 0, 180);
  check(interval_map(-180, 0), -180, 0);
  check(interval_map(-2, 3), -2, 3);
  check(interval_map(0.1, 0.3), T(0.1), T(0.3));
  check(softclip_map(1), -1, 1);
  check(softclip_map(0.1), T(-0.1), T(0.1));
  // Far out, both maps end where the interval does, and mirror images score alike.
  const auto f = make_subject<T, wants::log_prob_gradient>(normal<1> | interval_map(-1, 1), 0.0F);
  for (const T x : {T(10), T(36), T(40), T(1000)}) {
    const T up = f.forward({x}, {}).values[0];
    CHECK(f.forward({-x}, {}).values[0] == -up);
    CHECK(log_prob(f, up) == log_prob(f, -up));
  }
  // One is 1, as a fraction or behind a spline.
  const auto spline = make_subject<T, wants::log_prob_gradient>(
      normal<1> | affine | sigmoid_map | rational_quadratic<8>.unit_box(), 0.0F);
  const double slack = sizeof(T) == 4 ? 1e-4 : 1e-10;
  CHECK(log_prob(spline, T(0)) == Approx(double(log_prob(spline, T(1)))).epsilon(slack));
}

TEMPLATE_TEST_CASE("gradients at the ends of a fraction are numbers", "[flow]", float, double) {
  using T = TestType;
  constexpr T tiny = std::numeric_limits<T>::denorm_min();
  for (const float perturbation : {0.0F, 0.3F, 1.0F}) {
    const auto f = make_subject<T, wants::log_prob_gradient>(
        normal<1> | affine | sigmoid_map | rational_quadratic<8>.unit_box(), perturbation);
    for (const T y :
         {T(0), tiny, T(1e-40), T(1e-30), T(1e-10), T(0.5), T(1 - 1e-6), before(T(1)), T(1)}) {
      INFO("y = " << y);
      CHECK(std::isfinite(log_prob(f, y)));
      gradient(f, y);
    }
  }
  // With theta = 0 the spline is the identity, and at an end its parameters feel the log slope
  // alone: d log p / du_0 = -s(u + c) at y = 0, that of the last knot's at y = 1.
  const auto f = make_subject<T, wants::log_prob_gradient>(
      normal<1> | affine | sigmoid_map | rational_quadratic<8>.unit_box(), 0.0F);
  const auto by = [&](T y) {
    std::vector<double> g;
    const auto all = gradient(f, y).by_parameters;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (f.structure[i]) g.push_back(all[i]);
    return g; // affine's shift and scale, widths, heights, slopes
  };
  const auto zero = by(0), one = by(1);
  REQUIRE(zero.size() == 27);
  const double logistic = 1 - 1 / (1 + std::exp(default_spline::slope_offset));
  for (std::size_t j = 0; j < 9; ++j) {
    CHECK(zero[18 + j] == Approx(j == 0 ? -logistic : 0).margin(1e-5));
    CHECK(one[18 + j] == Approx(j == 8 ? -logistic : 0).margin(1e-4));
  }
  for (std::size_t j = 0; j < 8; ++j) { // mirror images, with the knots' rounding
    CHECK(zero[2 + j] == Approx(one[9 - j]).margin(1e-4));
    CHECK(zero[10 + j] == Approx(one[17 - j]).margin(1e-4));
  }
  CHECK(zero[0] == Approx(-one[0]).epsilon(1e-4));
  CHECK(zero[1] == Approx(one[1]).epsilon(1e-4));
}

TEMPLATE_TEST_CASE("far from a logit's middle the density still has its slope", "[flow]", float,
                   double) {
  using T = TestType;
  // p(y) = s'(y) where the spline is the identity, times its end slopes elsewhere: both tails fall
  // by one nat per unit.
  for (const float perturbation : {0.0F, 0.5F}) {
    const auto f = make_subject<T, wants::log_prob_gradient>(
        uniform<1> | rational_quadratic<8>.unit_box() | inverse(sigmoid_map), perturbation);
    for (const double y : {40.0, 88.0, 90.0, 103.0, 700.0, 709.0, 746.0, 1e4, 1e30}) {
      INFO("y = " << y);
      CHECK(gradient(f, T(-y)).by_inputs[0] == Approx(1).epsilon(1e-5));
      CHECK(gradient(f, T(y)).by_inputs[0] == Approx(-1).epsilon(1e-5));
      if (perturbation == 0) CHECK(log_prob(f, T(-y)) == Approx(-y).epsilon(1e-6).margin(1e-5));
      if (perturbation == 0) CHECK(log_prob(f, T(y)) == Approx(-y).epsilon(1e-6).margin(1e-5));
    }
  }
}

TEMPLATE_TEST_CASE("no sample leaves its support by rounding", "[flow]", float, double) {
  using T = TestType;
  check_samples<T>(normal<1> | sigmoid_map);
  check_samples<T>(normal<1> | arctan_map);
  check_samples<T>(normal<1> | gumbel_map);
  check_samples<T>(normal<1> | interval_map(-4.7, -4.4));
  check_samples<T>(normal<1> | interval_map(0, 180));
  check_samples<T>(normal<1> | tanh_map);
  check_samples<T>(normal<1> | softclip_map(0.1));
  check_samples<T>(normal<1> | elu_map);
  check_samples<T>(normal<1> | exp_map);
  check_samples<T>(normal<1> | softplus_map);
  check_samples<T>(normal<1> | exp_map | elementwise(square_map{}));
  check_samples<T>(normal<1> | exp_map | inverse(elementwise(square_map{})));
  check_samples<T>(normal<1> | sigmoid_map | elementwise(half_sum_map{}));
  check_samples<T>(normal<1> | tanh_map | inverse(elementwise(half_sum_map{})));
  check_samples<T>(normal<1> | elementwise(shrink_map{}));
  check_samples<T>(uniform<1> | rational_quadratic<8>.unit_box());
  check_samples<T>(uniform<1> | rational_quadratic<8>.unit_box() | inverse(sigmoid_map) |
                   sigmoid_map | rational_quadratic<4>.unit_box());
  // 5,050 intervals between tenths, of which 28 were left in float.
  using P = simd::pack<T>;
  int left = 0;
  for (int a = -50; a <= 50; ++a)
    for (int b = a + 1; b <= 50; ++b)
      for (const T x : {T(-40), T(-10), T(10), T(40)}) {
        const double low = a / 10.0, high = b / 10.0;
        const double y = interval_function{low, high}.forward(P(x))[0];
        if (!(low <= y && y <= high)) ++left;
      }
  CHECK(left == 0);
}

TEMPLATE_TEST_CASE("samples of splines on the unit box score themselves", "[flow]", float, double) {
  using T = TestType;
  const auto f = make_subject<T, wants::evaluation>(
      uniform<2> | coupling<8>(rational_quadratic<8>.unit_box()) | flip |
          autoregressive<8>(rational_quadratic<2>.unit_box()),
      1.0F);
  std::vector<T> noise;
  for (int i = 0; i < 200; ++i) {
    T x = i % 2 ? T(1) : T(0x1p-24);
    for (int k = 0; k <= i / 2; ++k) x = i % 2 ? before(x) : next(x);
    noise.insert(noise.end(), {x, i % 3 ? before(T(1)) : T(0.3)});
  }
  const auto y = f.sample_from(noise, {});
  for (const T v : y.values) CHECK((v > 0 && v < 1));
  const auto p = f.log_prob(y.values, {});
  for (const T v : p) CHECK(std::isfinite(v));
}

TEMPLATE_TEST_CASE("a spline driven by a network is differentiated in the bin it was solved in",
                   "[flow]", float, double) {
  using T = TestType;
  // All parameters 0: theta = 0, whose spline has a knot at 0 that the search offset moves to 1e-6
  // (tests/transformers/rational_quadratic.cpp has the value).
  constexpr auto spline = rational_quadratic<2>.pyro();
  const auto check = [](const auto& expression) {
    const auto f = make_subject<T, wants::log_prob_gradient>(expression, 0.0F);
    INFO(f.text);
    const std::vector<T> none(f.parameters.size(), T(0));
    f.set_parameters(none);
    for (const std::size_t n : {std::size_t{1}, f.tile + 3}) {
      std::vector<T> y;
      for (std::size_t i = 0; i < n; ++i) y.insert(y.end(), {T(0.3), T(7e-7)});
      const auto g = f.log_prob_gradient(y, {}, std::vector<T>(n, T(1)), T(1));
      for (std::size_t i = 0; i < n; ++i)
        CHECK(g.by_inputs[2 * i + 1] == Approx(0.717878).epsilon(1e-4));
    }
  };
  check(normal<2> | spline);
  check(normal<2> | coupling<4>(spline));
  check(normal<2> | autoregressive<4>(spline));
}

TEMPLATE_TEST_CASE("fit survives fractions that are exactly 0 or 1", "[flow]", float, double) {
  using T = TestType;
  const std::size_t n = 1000;
  xt::xtensor<T, 2> y(std::array<std::size_t, 2>{n, 1});
  const auto u = testing::uniform_values<T>(n, 7, 0.05F, 0.95F);
  for (std::size_t i = 0; i < n; ++i) y(i, 0) = i % 50 == 0 ? T(i % 100 == 0) : u[i];
  auto q = make_flow<T>(normal<1> | affine | sigmoid_map | rational_quadratic<8>.unit_box(), 3);
  fit_options options;
  options.epochs = 5;
  const auto result = fit(q, y, options);
  for (const T p : q.parameters()) CHECK(std::isfinite(p));
  for (const T p : q.log_prob(y)) CHECK(std::isfinite(p));
  for (const fit_epoch& e : result.history) CHECK(std::isfinite(e.training));
}

#include <bijou/transformers/rational_quadratic.hpp>

#include <type_traits>

#include "spline.hpp"

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

// The spline as the paper writes it, in long double.
template <class F> struct textbook : spline_knots<F> {
  using spline_knots<F>::spline_knots;
  using spline_knots<F>::x, spline_knots<F>::y, spline_knots<F>::d;
  mapped_value<long double> operator()(long double v) const {
    if (v < x.front() || v > x.back()) return {v, 0};
    const std::size_t k = this->bin_of(v);
    const long double w = x[k + 1] - x[k], h = y[k + 1] - y[k], s = h / w, t = (v - x[k]) / w;
    const long double q = t * (1 - t), den = s + (d[k + 1] + d[k] - 2 * s) * q;
    return {
        y[k] + h * (s * t * t + d[k] * q) / den,
        std::log(s * s * (d[k + 1] * t * t + 2 * s * q + d[k] * (1 - t) * (1 - t)) / (den * den))};
  }
};

constexpr spline_forms forms{line, unit, fixed, wide, pyro};

} // namespace

TEMPLATE_TEST_CASE("rational_quadratic: the paper's formula", "[transformers][rational_quadratic]",
                   float, double) {
  check_formulas<textbook, TestType>(forms);
}

TEMPLATE_TEST_CASE("rational_quadratic: inverse undoes forward",
                   "[transformers][rational_quadratic]", float, double) {
  check_all_round_trips<textbook, TestType>(forms);
}

TEST_CASE("rational_quadratic: derivatives agree with central differences",
          "[transformers][rational_quadratic]") {
  check_all_gradients<textbook>(forms);
}

TEST_CASE("rational_quadratic: float agrees with double", "[transformers][rational_quadratic]") {
  check_floats(line);
}

TEMPLATE_TEST_CASE("rational_quadratic: identity parameters are the identity",
                   "[transformers][rational_quadratic]", float, double) {
  for (const TestType v : check_identity<TestType>(line)) CHECK(v == 0);
  for (const TestType v : check_identity<TestType>(unit)) CHECK(v == 0);
  check_identity<TestType>(wide);
  check_identity<TestType>(line.plain_slopes());
}

TEMPLATE_TEST_CASE("rational_quadratic: tails are the identity and give theta no gradient",
                   "[transformers][rational_quadratic]", float, double) {
  check_tails<TestType>(line);
}

TEMPLATE_TEST_CASE("rational_quadratic: extreme parameters stay finite and monotone",
                   "[transformers][rational_quadratic]", float, double) {
  check_extremes<TestType>(line);
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
  constexpr auto two = rational_quadratic<2>.unit_box();
  check_ends(single<TestType, std::remove_const_t<decltype(two)>>{
      two, {-4, 0, TestType(-3.9), 0, 0, 0, 0}});
  check_ends<TestType>(unit);
  check_ends<TestType>(fixed);
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
  check_still_ends<TestType>(unit);
}

TEMPLATE_TEST_CASE("rational_quadratic: no finite parameter and no point gives NaN",
                   "[transformers][rational_quadratic]", float, double) {
  check_any_theta<TestType>(line);
  check_any_theta<TestType>(unit);
  check_any_theta<TestType>(fixed);
  check_any_theta<TestType>(pyro);
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

/// \file
/// integrate: known integrals within the errors over many seeds, errors below those of plain Monte
/// Carlo, the same bits for all numbers of threads, and integrands that do not fit.

#include <bijou/bijou.hpp>
#include <bijou/training/integrate.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "../catch.hpp"

using namespace bijou;

namespace {

constexpr auto bend = autoregressive<12>(rational_quadratic<6>.unit_box());
template <int D> constexpr auto proposal = uniform<D> | bend | flip | bend;

/// Two Gaussians on the diagonal, nearly all of them in the box.
template <int D> struct camel {
  static constexpr double width = 0.15;
  double operator()(const std::array<double, std::size_t{D}>& x) const {
    double low = 0, high = 0;
    for (const double v : x) {
      low += (v - 1.0 / 3) * (v - 1.0 / 3);
      high += (v - 2.0 / 3) * (v - 2.0 / 3);
    }
    const double scale = 0.5 * std::pow(width * std::sqrt(std::numbers::pi), -D);
    return scale * (std::exp(-low / (width * width)) + std::exp(-high / (width * width)));
  }
  static double integral() {
    return std::pow(0.5 * (std::erf(1 / (3 * width)) + std::erf(2 / (3 * width))), D);
  }
};
/// Of both signs, and 0 in a quarter of the box.
double checkered(const std::array<double, 2>& x) {
  return x[0] < 0.5 && x[1] < 0.5 ? 0.0 : std::sin(2 * std::numbers::pi * x[0]) + x[0] * x[1];
}
constexpr double checkered_integral = 0.25 - 1.0 / 64 - 1 / (2 * std::numbers::pi);
/// 1 in a disc that plain sampling meets once in 318 times.
double disc(const std::array<double, 2>& x) {
  return std::hypot(x[0] - 0.3, x[1] - 0.8) < std::sqrt(0.001) ? 1.0 : 0.0;
}
constexpr double disc_integral = 0.001 * std::numbers::pi;

struct constant {
  double value;
  double operator()(const std::array<double, 2>&) const { return value; }
};

const integrate_options brief{.evaluations = 20'000,
                              .iterations = 20,
                              .steps_per_iteration = 20,
                              .batch_size = 256,
                              .optimizer = {.learning_rate = 0.02}};

template <class T, int D, class F>
integral_estimate estimate(const F& f, const integrate_options& options) {
  auto q = make_flow<T>(proposal<D>, options.seed);
  return integrate(q, f, options);
}

/// Twenty seeds: sums of squared pulls within 1e-4 of either tail. Gives back chi^2 of each, in
/// order.
template <class T, int D, class F> std::vector<double> check_coverage(const F& f, double known) {
  constexpr int seeds = 20;
  double squares = 0, sum = 0;
  std::vector<double> chi_squared;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    integrate_options options = brief;
    options.seed = seed;
    const auto e = estimate<T, D>(f, options);
    const double pull = (e.value - known) / e.standard_error;
    squares += pull * pull;
    sum += pull;
    chi_squared.push_back(e.chi_squared);
  }
  CHECK(squares > 4.4);
  CHECK(squares < 52.4);
  CHECK(std::abs(sum) < 3.9 * std::sqrt(double{seeds}));
  std::ranges::sort(chi_squared);
  return chi_squared;
}
double mean(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

double plain_error(double second_moment, double integral, std::size_t n) {
  return std::sqrt((second_moment - integral * integral) / static_cast<double>(n));
}

} // namespace

TEMPLATE_TEST_CASE("integrate: known values lie within the errors", "[training]", float, double) {
  // 13 degrees of freedom each: of the mean of 20, 1e-4 lies beyond either end.
  const auto humps = check_coverage<TestType, 2>(camel<2>{}, camel<2>::integral());
  CHECK(mean(humps) == Approx(1).margin(0.4));
  const auto board = check_coverage<TestType, 2>(checkered, checkered_integral);
  CHECK(mean(board) == Approx(1).margin(0.4));
  // The edge of the disc leaves 1 / q a long tail, which the mean of chi^2 follows: of 40 groups of
  // 20 seeds, means were 1.0 to 2.3, medians 0.7 to 1.45 (by chi^2's distribution: 0.95).
  const auto edge = check_coverage<TestType, 2>(disc, disc_integral);
  CHECK((edge[9] + edge[10]) / 2 == Approx(1.1).margin(0.6));
}

TEST_CASE("integrate learns: errors fall below those of plain Monte Carlo", "[training]") {
  integrate_options options = brief;
  options.evaluations = 100'000;
  options.iterations = 50;
  options.seed = 3;
  const auto two = estimate<float, 2>(camel<2>{}, options);
  const double square = 1 / (4 * std::numbers::pi * std::pow(camel<2>::width, 2)); // of f, nearly
  CHECK(two.standard_error < plain_error(square, camel<2>::integral(), 100'000) / 5);
  CHECK(two.unweighting_efficiency > 0.2);
  CHECK(two.history.back().effective > 0.95);
  CHECK(two.history.front().effective < 0.4);

  // |f| leaves a variance where f changes its sign.
  const auto signed_one = estimate<float, 2>(checkered, options);
  CHECK(signed_one.history.back().effective > 0.9);
  // A disc that few samples meet becomes one that most of them meet.
  const auto rare = estimate<float, 2>(disc, options);
  CHECK(rare.standard_error < plain_error(disc_integral, disc_integral, 100'000) / 5);
}

TEST_CASE("integrate finds both modes where hardly a sample meets one", "[training]") {
  integrate_options options = brief;
  options.evaluations = 100'000;
  options.iterations = 50;
  options.batch_size = 512;
  options.seed = 5;
  const auto e = estimate<float, 8>(camel<8>{}, options);
  CHECK(e.history.front().effective < 0.01);
  CHECK(e.history.front().power < 0.5);
  CHECK(e.history[29].power == 1);
  for (std::size_t i = 1; i < 30; ++i) CHECK(e.history[i].power >= e.history[i - 1].power);
  CHECK(std::isnan(e.history[30].power));
  CHECK(std::abs(e.value - camel<8>::integral()) < 4 * e.standard_error);
  CHECK(e.standard_error < 0.01);
}

TEST_CASE("integrate: the result is the weighted mean of its history", "[training]") {
  integrate_options options = brief;
  std::vector<int> called;
  options.callback = [&](const integral_iteration& r) { called.push_back(r.iteration); };
  const auto e = estimate<double, 2>(camel<2>{}, options);
  REQUIRE(e.history.size() == 20);
  REQUIRE(called.size() == 20);
  CHECK(e.evaluations == 20'000);
  double weights = 0, sum = 0, variance = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    const auto& r = e.history[i];
    CHECK(r.iteration == static_cast<int>(i) + 1);
    CHECK(called[i] == r.iteration);
    CHECK((r.weight > 0) == (i >= 6));
    CHECK(std::isnan(r.power) == (i >= 12));
    // The weight of an iteration is the inverse variance of a sample of the one before.
    if (i >= 6) CHECK(r.weight == Approx(1 / (999 * std::pow(e.history[i - 1].standard_error, 2))));
    weights += r.weight;
    sum += r.weight * r.value;
    variance += std::pow(r.weight * r.standard_error, 2);
  }
  CHECK(e.value == Approx(sum / weights).epsilon(1e-13));
  CHECK(e.standard_error == Approx(std::sqrt(variance) / weights).epsilon(1e-13));
  // 14 iterations count, and one number is taken from them: 13 degrees of freedom.
  double scatter = 0;
  for (std::size_t i = 6; i < 20; ++i)
    scatter += std::pow((e.history[i].value - e.value) / e.history[i].standard_error, 2);
  CHECK(e.chi_squared == Approx(scatter / 13).epsilon(1e-9));
}

TEMPLATE_TEST_CASE("integrate: the scale of the integrand is no matter", "[training]", float,
                   double) {
  // exp(-20 r^2) about the middle: (erf(sqrt(5)) sqrt(pi / 20))^2. A likelihood of exp(-400) is
  // 1e-174.
  const auto hill = [](double scale) {
    return [scale](const std::array<double, 2>& x) {
      const double a = x[0] - 0.5, b = x[1] - 0.5;
      return scale * std::exp(-20 * (a * a + b * b));
    };
  };
  const double known = std::pow(std::erf(std::sqrt(5.0)), 2) * std::numbers::pi / 20;
  const auto one = estimate<TestType, 2>(hill(1), brief);
  CHECK(std::abs(one.value - known) < 4 * one.standard_error);
  // Logarithms round, and training makes more of that.
  for (const double s : {1e-300, 1e-174, 1e-155, -1e-155, 1e-40, 1e40, 1e154, 1e155, -1e300}) {
    const auto e = estimate<TestType, 2>(hill(s), brief);
    CHECK(e.value / s == Approx(one.value).epsilon(1e-4));
    CHECK(e.standard_error / std::abs(s) == Approx(one.standard_error).epsilon(1e-4));
    CHECK(e.chi_squared == Approx(one.chi_squared).epsilon(1e-3));
    CHECK(e.unweighting_efficiency == Approx(one.unweighting_efficiency).epsilon(1e-4));
    for (std::size_t i = 0; i < 20; ++i) {
      CHECK(e.history[i].value / s == Approx(one.history[i].value).epsilon(1e-4));
      CHECK(e.history[i].effective == Approx(one.history[i].effective).epsilon(1e-4));
      CHECK((e.history[i].weight > 0) == (i >= 6));
      CHECK(std::isfinite(e.history[i].weight));
    }
  }
}

TEST_CASE("integrate: iterations of very different scales are combined", "[training]") {
  // The weights of 3, 2 and 1 with errors 1e-200, 1e-170 and 1e200: their ratios overflow.
  detail::weighted_estimates sum;
  sum.add(3e-190, std::log(1e-200), -2 * std::log(1e-200));
  sum.add(5e-190, std::log(1e-200), -2 * std::log(1e-200));
  sum.add(1e300, std::log(1e200), -2 * std::log(1e200));
  const auto c = sum.combined();
  CHECK(c.value == Approx(4e-190).epsilon(1e-12));
  CHECK(c.standard_error == Approx(1e-200 / std::sqrt(2.0)).epsilon(1e-12));
  // Moments, whatever comes first: 1, 2 and 3 in units of 1e-200, and zeros.
  for (const auto& order : {std::array{0, 1, 2}, std::array{2, 1, 0}, std::array{1, 2, 0}}) {
    detail::weight_moments m;
    for (const int i : order) m.add(std::log(i + 1.0) - 200 * std::log(10.0), 1);
    m.add(-std::numeric_limits<double>::infinity(), 1);
    CHECK(m.mean() / 1e-200 == Approx(1.5).epsilon(1e-12));
    CHECK(std::exp(m.log_variance() + 400 * std::log(10.0)) == Approx(1.25).epsilon(1e-12));
    CHECK(m.effective() == Approx(36.0 / (4 * 14)).epsilon(1e-12));
    CHECK(m.kept() == Approx(0.5).epsilon(1e-12));
  }
}

TEMPLATE_TEST_CASE("integrate: singular at the ends of the box", "[training]", float, double) {
  // Both integrals are 1. Where the flow's samples crowd at the end, they are rounded to it.
  integrate_options options = brief;
  options.evaluations = 100'000;
  options.iterations = 50;
  const auto at_one = [](const std::array<double, 2>& x) {
    for (const double v : x)
      if (!(v > 0 && v < 1)) throw std::logic_error("off the open box");
    return 1 / (4 * std::sqrt((1 - x[0]) * (1 - x[1])));
  };
  const auto at_zero = [&](const std::array<double, 2>& x) {
    return 1 / (4 * std::sqrt(x[0] * x[1]));
  };
  double pulls = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    options.seed = seed;
    for (const auto& e :
         {estimate<TestType, 2>(at_one, options), estimate<TestType, 2>(at_zero, options)}) {
      CHECK(e.value == Approx(1).margin(0.01));
      pulls += (e.value - 1) / e.standard_error;
    }
  }
  CHECK(std::abs(pulls) < 4 * std::sqrt(12.0));

  // All samples at an end, whichever: the spline of these parameters is a step.
  auto q = make_flow<TestType>(uniform<1> | rational_quadratic<2>.unit_box(), 1);
  for (const TestType side : {TestType(-12), TestType(12)}) {
    std::ranges::fill(q.parameters(), TestType(0));
    for (std::size_t i = 0; i < q.parameters().size(); ++i)
      if (q.structure()[i] != 0) {
        q.parameters()[i] = side; // of the first width; the rest are 0
        break;
      }
    const auto inside = [](const std::array<double, 1>& x) {
      if (!(x[0] > 0 && x[0] < 1)) throw std::logic_error("off the open box");
      return 1.0;
    };
    integrate_options still = brief;
    still.training = 0;
    CHECK_NOTHROW(integrate(q, inside, still));
  }
}

TEST_CASE("integrate forgets an iteration after as many as it remembers", "[training]") {
  // The integrand is 0 but in the second iteration: there are steps as long as that is remembered.
  constexpr std::size_t n = 100;
  auto q = make_flow<double>(proposal<2>, 1);
  const auto parameters = [&] {
    return std::vector<double>(q.parameters().begin(), q.parameters().end());
  };
  std::size_t calls = 0;
  std::vector<double> before = parameters();
  std::vector<int> changed;
  const auto once = [&](const std::array<double, 2>&) { return calls++ / n == 1 ? 1.0 : 0.0; };
  integrate(q, once,
            {.evaluations = 7 * n,
             .iterations = 7,
             .training = 1,
             .steps_per_iteration = 1,
             .batch_size = 3 * n,
             .remembered = 3,
             .least_effective = 0,
             .callback = [&](const integral_iteration& i) {
               if (parameters() != before) changed.push_back(i.iteration);
               before = parameters();
             }});
  CHECK(changed == std::vector{2, 3, 4});
}

TEST_CASE("integrate steps along the gradient of its loss", "[training]") {
  // One iteration, one step on all of its samples.
  constexpr std::size_t n = 1000;
  const integrate_options one_step{.evaluations = n,
                                   .iterations = 1,
                                   .training = 1,
                                   .steps_per_iteration = 1,
                                   .batch_size = n,
                                   .remembered = 1,
                                   .least_effective = 0,
                                   .schedule = schedules::constant{},
                                   .seed = 9};
  const auto check = [&](const auto& f, bool by_variance) {
    auto q = make_flow<double>(proposal<2>, 1), expected = q;
    const auto e = integrate(q, f, one_step);
    CHECK((e.history[0].effective >= 0.3) == by_variance);

    philox stream(9);
    const auto [y, log_q] = expected.sample_and_log_prob(stream, n);
    std::vector<double> values;
    for (std::size_t i = 0; i < n; ++i) values.push_back(f(std::array{y(i, 0), y(i, 1)}));
    const integrand_batch<double> batch{rows_of(y.data(), n, 2), values, {log_q.data(), n}};
    const auto gradient = by_variance ? value_and_grad(expected, variance_loss{batch}).gradient
                                      : value_and_grad(expected, forward_kl{batch}).gradient;
    adam<double> optimizer(gradient.size(), one_step.optimizer);
    optimizer.step(expected.parameters(), gradient);
    const auto p = q.parameters(), r = expected.parameters();
    for (std::size_t i = 0; i < p.size(); ++i) CHECK(p[i] == Approx(r[i]).margin(1e-9));
  };
  check([](const std::array<double, 2>& x) { return x[0] + x[1] * x[1]; }, true);
  check([](const std::array<double, 2>& x) { return std::exp(-50 * x[0] - 20 * x[1]); }, false);
}

TEST_CASE("integrate: the same bits for any number of threads", "[training]") {
  integrate_options options = brief;
  options.batch_size = 1000; // three shares
  options.evaluations = 20'020;
  auto one = make_flow<float>(proposal<2>, 1), three = make_flow<float>(proposal<2>, 1);
  const auto a = integrate(one, camel<2>{}, options);
  options.threads = 3;
  const auto b = integrate(three, camel<2>{}, options);
  CHECK(a.value == b.value);
  CHECK(a.standard_error == b.standard_error);
  CHECK(a.unweighting_efficiency == b.unweighting_efficiency);
  const auto p = one.parameters(), r = three.parameters();
  CHECK(std::equal(p.begin(), p.end(), r.begin(), r.end()));
}

TEMPLATE_TEST_CASE("integrate: constants", "[training]", float, double) {
  auto q = make_flow<TestType>(proposal<2>, 1);
  const auto one = integrate(q, constant{-3}, brief);
  CHECK(one.value == Approx(-3).epsilon(1e-3));
  CHECK(std::abs(one.value + 3) < 5 * one.standard_error + 1e-6);
  const auto zero = integrate(q, constant{0}, brief);
  CHECK(zero.value == 0);
  CHECK(zero.standard_error == 0);
  CHECK(zero.unweighting_efficiency == 0);
  CHECK(std::isnan(zero.chi_squared));
  integrate_options single = brief;
  single.iterations = 1;
  single.training = 0;
  std::ranges::fill(q.parameters(), TestType(0)); // the identity: q is 1
  const auto exact = integrate(q, constant{2}, single);
  CHECK(exact.value == Approx(2).epsilon(1e-6));
  CHECK(exact.unweighting_efficiency == Approx(1).epsilon(1e-5));
}

TEST_CASE("integrate: what does not fit", "[training]") {
  auto q = make_flow<float>(proposal<2>, 1);
  const std::vector<float> before(q.parameters().begin(), q.parameters().end());
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    const auto spiked = [bad](const std::array<double, 2>& x) { return x[0] > 0.9 ? bad : 1.0; };
    std::string text;
    try {
      integrate(q, spiked, brief);
    } catch (const std::invalid_argument& error) {
      text = error.what();
    }
    CHECK(text.find("integrate: the integrand is " +
                    std::string(std::isnan(bad) ? "nan" : "inf")) == 0);
    CHECK(text.find(" at (0.9") != std::string::npos);
  }
  CHECK(std::equal(before.begin(), before.end(), q.parameters().begin()));
  auto spoiled = q;
  for (float& p : spoiled.parameters()) p = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(integrate(spoiled, constant{1}, brief),
                    Catch::Matchers::Contains("integrate: log q of the flow's sample is "));
  struct refused_call : std::exception {};
  const auto throwing = [](const auto&) -> double { throw refused_call{}; };
  for (const int threads : {1, 3}) {
    integrate_options options = brief;
    options.threads = threads;
    CHECK_THROWS_AS(integrate(q, throwing, options), refused_call);
  }

  const auto refused = [&](auto change) {
    integrate_options options = brief;
    change(options);
    CHECK_THROWS_AS(integrate(q, constant{1}, options), std::invalid_argument);
  };
  refused([](auto& o) { o.iterations = 0; });
  refused([](auto& o) { o.evaluations = 39; });
  refused([](auto& o) { o.warm_up = 1; });
  refused([](auto& o) { o.training = 1.1; });
  refused([](auto& o) { o.steps_per_iteration = -1; });
  refused([](auto& o) { o.batch_size = 0; });
  refused([](auto& o) { o.remembered = 0; });
  refused([](auto& o) { o.least_effective = std::numeric_limits<double>::quiet_NaN(); });
  refused([](auto& o) { o.threads = 0; });
}

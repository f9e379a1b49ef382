/// \file
/// Densities integrate to one on every kind of support, and a million samples agree with them.

#include <array>
#include <cmath>
#include <limits>

#include "check.hpp"

using namespace bijou;
using testing::integrate;

namespace {

/// A flow with perturbed parameters: no more than a grid can follow.
template <class E> auto perturbed(const E& expression, float scale = 0.25F) {
  auto q = make_flow<double>(expression, 5);
  testing::perturb(q.parameters(), q.structure(), 17, scale);
  return q;
}

/// p at the points of a one-dimensional grid.
template <class Flow> double density(const Flow& q, double y, workspace<double>& ws) {
  const std::array<double, 1> event{y};
  return std::exp(q.log_prob(std::span<const double, 1>(event), ws));
}

/// The integral of p over a box by n midpoints along each side, a row of points at a time.
template <class Flow>
double mass(const Flow& q, std::array<double, 2> low, std::array<double, 2> high, std::size_t n) {
  auto ws = q.make_workspace();
  const auto first = testing::midpoints(low[0], high[0], n);
  const auto second = testing::midpoints(low[1], high[1], n);
  std::vector<double> y(2 * n), log_p(n);
  double sum = 0;
  for (const double a : first) {
    for (std::size_t j = 0; j < n; ++j) {
      y[2 * j] = a;
      y[2 * j + 1] = second[j];
    }
    q.log_prob(rows_of<const double>(y.data(), n, 2), log_p.data(), ws);
    for (const double p : log_p) sum += std::exp(p);
  }
  return sum * (high[0] - low[0]) * (high[1] - low[1]) / static_cast<double>(n * n);
}

/// A million samples of one variable follow the density: Kolmogorov-Smirnov against its integral.
template <class Flow> void check_samples(const Flow& q, double low, double high) {
  auto ws = q.make_workspace();
  // The distribution function, by midpoints of fine cells; linear between.
  constexpr std::size_t cells = 40'000;
  const double width = (high - low) / cells;
  std::vector<double> cdf{0};
  for (const double y : testing::midpoints(low, high, cells))
    cdf.push_back(cdf.back() + density(q, y, ws) * width);
  REQUIRE(cdf.back() == Approx(1).margin(1e-5));
  const auto at = [&](double y) {
    const double place = std::clamp((y - low) / width, 0.0, cells - 1e-9);
    const auto i = static_cast<std::size_t>(place);
    return cdf[i] + (place - std::floor(place)) * (cdf[i + 1] - cdf[i]);
  };
  philox stream{2024};
  std::vector<double> y(1'000'000);
  q.sample(stream, rows_of(y.data(), y.size(), 1), ws);
  CHECK(testing::kolmogorov_smirnov(y, at).p_value > 0.01);
  // Moments against integrals of the density, in units of their standard errors.
  const auto moment = [&](auto f) {
    return integrate([&](double v) { return f(v) * density(q, v, ws); }, low, high, cells);
  };
  const double mean = moment([](double v) { return v; });
  const double variance = moment([&](double v) { return (v - mean) * (v - mean); });
  const double fourth = moment([&](double v) { return std::pow(v - mean, 4); });
  const auto m = testing::moments_of(y);
  CHECK(std::abs(m.mean - mean) < 4 * std::sqrt(variance / 1e6));
  CHECK(std::abs(m.variance - variance) < 4 * std::sqrt((fourth - variance * variance) / 1e6));
}

} // namespace

TEST_CASE("one variable on the line", "[flow]") {
  check_samples(perturbed(normal<1> | rational_quadratic<5> | iaf<5> | affine, 1), -12, 12);
}
TEST_CASE("one variable on the half-line", "[flow]") {
  const auto q = perturbed(normal<1> | rational_quadratic<5> | affine | softplus_map);
  check_samples(q, 0, 25);
  auto ws = q.make_workspace();
  CHECK(density(q, -1e-9, ws) == 0);
}
TEST_CASE("one variable on an interval", "[flow]") {
  check_samples(perturbed(uniform<1> | rational_quadratic<5>.unit_box(), 1), 0, 1);
  const auto q = perturbed(normal<1> | affine | interval_map(-2, 3));
  check_samples(q, -2, 3);
  auto ws = q.make_workspace();
  CHECK(density(q, -2.0001, ws) == 0);
  CHECK(density(q, 3.0001, ws) == 0);
}

TEST_CASE("two variables on the plane", "[flow]") {
  const auto q = perturbed(normal<2> | iaf<7> | flip | maf<7>);
  CHECK(mass(q, {-20, -20}, {20, 20}, 1500) == Approx(1).margin(2e-4));
}
TEST_CASE("two variables, a half-line and an interval", "[flow]") {
  const auto q = perturbed(normal<2> | iaf<7> | on<0>(softplus_map) | on<1>(interval_map(-1, 1)));
  CHECK(mass(q, {0, -1}, {12, 1}, 1500) == Approx(1).margin(2e-4));
}
TEST_CASE("two variables on the unit box", "[flow]") {
  const auto q =
      perturbed(uniform<2> | autoregressive<7>(rational_quadratic<4>.unit_box()) | flip, 0.15F);
  CHECK(mass(q, {0, 0}, {1, 1}, 1500) == Approx(1).margin(2e-4));
  CHECK(mass(q, {-1, -1}, {2, 2}, 1500) == Approx(1).margin(2e-3)); // nothing outside
}
TEST_CASE("two variables under a context", "[flow]") {
  const auto q = perturbed(normal<2> | given<1> | coupling<7>(affine) | flip | maf<7>);
  for (const double c : {-1.0, 0.5})
    CHECK(mass(q.condition(std::array{c}), {-20, -20}, {20, 20}, 1000) == Approx(1).margin(2e-4));
}

TEST_CASE("samples of two variables agree with the density", "[flow]") {
  // The noise of the samples, found by the inverse, is normal in every direction.
  const auto q = perturbed(normal<2> | iaf<7> | flip | maf<7>);
  auto ws = q.make_workspace();
  constexpr std::size_t n = 1'000'000;
  philox stream{7};
  std::vector<double> y(2 * n), x(2 * n), log_p(n);
  q.sample_and_log_prob(stream, rows_of(y.data(), n, 2), log_p.data(), ws);
  q.inverse(rows_of<const double>(y.data(), n, 2), rows_of(x.data(), n, 2), nullptr, ws);
  for (const double angle : {0.0, 0.7, 1.5707963267948966}) {
    std::vector<double> along(n);
    for (std::size_t i = 0; i < n; ++i)
      along[i] = std::cos(angle) * x[2 * i] + std::sin(angle) * x[2 * i + 1];
    CHECK(testing::kolmogorov_smirnov(along, testing::normal_cdf).p_value > 0.01);
  }
  // The share of samples in a box is the density's mass there.
  const std::array<double, 2> low{-0.5, -1}, high{1, 0.75};
  std::size_t inside = 0;
  for (std::size_t i = 0; i < n; ++i)
    inside +=
        y[2 * i] > low[0] && y[2 * i] < high[0] && y[2 * i + 1] > low[1] && y[2 * i + 1] < high[1];
  const double p = mass(q, low, high, 800);
  CHECK(p > 0.02); // a box that is not empty
  CHECK(std::abs(static_cast<double>(inside) / n - p) < 4 * std::sqrt(p * (1 - p) / n));
}

/// \file
/// marginal<K>(q): log p of the first variables is the logarithm of the integral of p over the
/// others, which the midpoint rule has to many digits: densities are smooth and fall to 0.

#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "../support/allocation_counter.hpp"
#include "check.hpp"

using namespace bijou;

namespace {

template <class T, class E> auto perturbed(const E& e, float scale = 0.3F) {
  auto q = make_flow<T>(e, 3);
  testing::perturb(q.parameters(), q.structure(), 17, scale);
  return q;
}

/// log of the integral of p over variables K .. 2 of three, at the first K of y.
template <int K, class Flow, class... C>
double integrated(const Flow& q, std::array<double, 3> y, double low, double high,
                  const C&... context) {
  constexpr std::size_t points = 1200;
  const double step = (high - low) / static_cast<double>(points);
  const std::size_t outer = K == 1 ? points : 1;
  std::vector<double> at(3 * points), log_p(points);
  auto ws = q.make_workspace();
  double sum = 0;
  for (std::size_t i = 0; i < outer; ++i) {
    for (std::size_t k = 0; k < points; ++k) {
      if (K == 1) y[1] = low + step * (static_cast<double>(i) + 0.5);
      y[2] = low + step * (static_cast<double>(k) + 0.5);
      std::copy(y.begin(), y.end(), at.begin() + static_cast<std::ptrdiff_t>(3 * k));
    }
    q.log_prob(rows_of(at.data(), points, 3), context..., log_p, ws);
    for (const double l : log_p) sum += std::exp(l);
  }
  return std::log(sum * (K == 1 ? step * step : step));
}

constexpr std::array<double, 3> probe{0.6, 0.3, 0.2};

/// Both K against the integral, for points that are told apart.
template <class E> void check_marginals(const E& e, double tolerance = 1e-9) {
  const auto q = perturbed<double>(e);
  INFO(q.text());
  for (const double shift : {0.0, -0.25}) {
    auto y = probe;
    y[0] += shift;
    CHECK(testing::near(marginal<1>(q).log_prob(xt::xtensor<double, 1>{y[0]}),
                        integrated<1>(q, y, -40, 40), tolerance));
    CHECK(testing::near(marginal<2>(q).log_prob(xt::xtensor<double, 1>{y[0], y[1]}),
                        integrated<2>(q, y, -40, 40), tolerance));
    CHECK(testing::near(marginal<3>(q).log_prob(y), q.log_prob(y), 1e-12));
  }
}

} // namespace

TEST_CASE("a marginal is the integral over the other variables", "[flow]") {
  SECTION("an autoregressive word, run by a sweep") { check_marginals(normal<3> | iaf<8>); }
  SECTION("its inverse, run by a pass") { check_marginals(normal<3> | maf<8>.skip()); }
  SECTION("several") {
    check_marginals(normal<3> | maf<8, 8> | affine | iaf<7>.skip() | lower_triangular);
  }
  SECTION("coupling") {
    check_marginals(normal<3> | coupling<8>(affine) | inverse(coupling<8>(affine).split(2)));
  }
  SECTION("a normal") { check_marginals(full_rank_normal<3> | on<0>(softplus_map)); }
}

TEST_CASE("a marginal on the unit box", "[flow]") {
  // The midpoint rule on splines, whose second derivatives jump.
  const auto q =
      perturbed<double>(uniform<3> | autoregressive<8>(rational_quadratic<4>.unit_box()), 0.05F);
  CHECK(
      testing::near(marginal<1>(q).log_prob(std::array{0.6}), integrated<1>(q, probe, 0, 1), 1e-4));
  CHECK(testing::near(marginal<2>(q).log_prob(std::array{0.6, 0.3}), integrated<2>(q, probe, 0, 1),
                      1e-4));
  constexpr double inf = std::numeric_limits<double>::infinity();
  CHECK(marginal<2>(q).log_prob(std::array{0.5, 1.5}) == -inf);
  CHECK(std::isnan(marginal<2>(q).log_prob(std::array{0.5, std::nan("")})));
}

TEST_CASE("a marginal under a context", "[flow]") {
  const auto q =
      perturbed<double>(normal<3> | given<2> | maf<8> | driven<5>(lower_triangular) | iaf<8>);
  const std::array<double, 2> c{0.5, -1};
  const double exact = integrated<2>(q, probe, -40, 40, c);
  const auto first = marginal<2>(q);
  CHECK(testing::near(first.log_prob(std::array{0.6, 0.3}, c), exact, 1e-9));
  // The same with a context for each of several samples.
  const xt::xtensor<double, 2> y{{0.6, 0.3}, {0.1, 0.2}, {0.6, 0.3}},
      contexts{{0.5, -1}, {2, 1}, {0.5, -1}};
  const auto each = first.log_prob(y, contexts);
  CHECK(testing::near(each(0), exact, 1e-9));
  CHECK(each(2) == each(0));
  CHECK(each(1) != each(0));
}

TEMPLATE_TEST_CASE("marginals of batches and events", "[flow]", float, double) {
  using T = TestType;
  constexpr std::size_t n = 150;
  const auto e = normal<4> | given<2> | maf<8> | on<3>(exp_map) | on<1>(exp_map);
  const auto q = perturbed<T>(e);
  const auto exact = perturbed<double>(e);
  const auto first = marginal<2>(q);
  const auto y = testing::uniform_values<T>(2 * n, 3, 0.1F, 2),
             c = testing::normal_values<T>(2 * n, 4);
  auto ws = first.make_workspace();
  std::vector<T> log_p(n);
  CHECK(testing::allocations_in([&] {
          first.log_prob(rows_of(y.data(), n, 2), rows_of(c.data(), n, 2), log_p.data(), ws);
        }) == 0);
  for (std::size_t i = 0; i < n; ++i) {
    const std::span<const T, 2> yi(y.data() + 2 * i, 2), ci(c.data() + 2 * i, 2);
    CHECK(testing::same_bits(first.log_prob(yi, ci, ws), log_p[i]));
    const std::array<double, 2> wide{yi[0], yi[1]}, wide_c{ci[0], ci[1]};
    CHECK(testing::near(log_p[i], marginal<2>(exact).log_prob(wide, wide_c), 1e-4));
  }
}

TEST_CASE("an order known at run time that begins with another variable", "[flow]") {
  const auto q = make_flow<double>(normal<3> | maf<8>.order(std::vector{1, 0, 2}));
  CHECK_THROWS_WITH(marginal<1>(q), "marginal: expected autoregressive words whose order begins "
                                    "with the first 1 variables");
  CHECK(std::isfinite(marginal<2>(q).log_prob(std::array{0.5, 0.25}))); // the first two, turned
}

/// \file
/// The normal distribution with learned means and deviations: its density in closed form, and at
/// the start.

#include <bijou/bijou.hpp>

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "../catch.hpp"
#include "../support/numerics.hpp"

using namespace bijou;
using namespace bijou::testing;

TEMPLATE_TEST_CASE("diagonal_normal: the density of N(t, s^2)", "[bases]", float, double) {
  using T = TestType;
  auto q = make_flow<T>(diagonal_normal<2>);
  auto set = named_parameters(q);
  REQUIRE(set.values.size() == 1);
  REQUIRE(set.values[0].values.size() == 4);
  // A row of means, then one of u with log s = u / (1 + |u| / log 1000).
  const std::array<double, 2> mean{0.25, -30}, deviation{0.5, 20};
  for (std::size_t d = 0; d < 2; ++d) {
    const double log_s = std::log(deviation[d]);
    set.values[0].values[d] = static_cast<T>(mean[d]);
    set.values[0].values[2 + d] = static_cast<T>(log_s / (1 - std::abs(log_s) / std::log(1000.0)));
  }
  set_named_parameters(q, set);
  auto ws = q.make_workspace();
  for (const auto& y : {std::array{T(0.3), T(0.2)}, {T(-2), T(-90)}, {T(0.25), T(-30)}}) {
    double exact = -std::log(2 * std::numbers::pi);
    for (std::size_t d = 0; d < 2; ++d) {
      const double z = (double{y[d]} - mean[d]) / deviation[d];
      exact -= z * z / 2 + std::log(deviation[d]);
    }
    CHECK(is_close<T>(double{q.log_prob(y, ws)}, exact));
  }
  philox stream(6);
  constexpr std::size_t n = 20'000;
  const auto samples = q.sample(stream, n);
  for (std::size_t d = 0; d < 2; ++d) {
    std::vector<double> v;
    for (std::size_t i = 0; i < n; ++i)
      v.push_back((double{samples(i, d)} - mean[d]) / deviation[d]);
    CHECK(kolmogorov_smirnov(v, normal_cdf).p_value > 1e-3);
  }
}

TEST_CASE("diagonal_normal starts near the standard normal, and takes words behind it", "[bases]") {
  const auto q = make_flow<double>(diagonal_normal<3>);
  const auto standard = make_flow<double>(normal<3>);
  CHECK(q.num_parameters() == 6);
  const xt::xtensor<double, 2> y{{1, -2, 0.5}};
  CHECK(q.log_prob(y)(0) == Approx(standard.log_prob(y)(0)).margin(0.5));
  CHECK(make_flow<double>(diagonal_normal<3> | flip | lower_triangular).text() ==
        "normal<3> | affine | flip | lower_triangular");
}

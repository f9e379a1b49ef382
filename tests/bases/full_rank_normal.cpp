/// \file
/// The normal distribution with a learned covariance: its density in closed form, and at the start.

#include <bijou/bijou.hpp>

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "../catch.hpp"
#include "../support/numerics.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("full_rank_normal: the density of N(b, A A^T)", "[bases]") {
  auto q = make_flow<double>(full_rank_normal<2>);
  const double a = 0.5, c = -1.5, d = 2; // A = {{a, 0}, {c, d}}
  auto set = named_parameters(q);
  set.values[0].values = {0.25, -1};
  set.values[1].values = {std::log(a), 0, c, std::log(d)};
  set_named_parameters(q, set);
  // The covariance and its inverse, by hand.
  const double s00 = a * a, s01 = a * c, s11 = c * c + d * d, det = s00 * s11 - s01 * s01;
  auto ws = q.make_workspace();
  for (const auto& y : {std::array{0.3, 0.2}, std::array{-2.0, 1.0}, std::array{0.25, -1.0}}) {
    const double u = y[0] - 0.25, v = y[1] + 1;
    const double square = (s11 * u * u - 2 * s01 * u * v + s00 * v * v) / det;
    const double exact = -square / 2 - std::log(det) / 2 - std::log(2 * std::numbers::pi);
    CHECK(near(q.log_prob(y, ws), exact, 1e-12));
  }
}

TEST_CASE("full_rank_normal starts as the standard normal, and takes words behind it", "[bases]") {
  const auto q = make_flow<double>(full_rank_normal<3>);
  const auto standard = make_flow<double>(normal<3>);
  const xt::xtensor<double, 2> y{{1, -2, 0.5}};
  CHECK(q.log_prob(y)(0) == standard.log_prob(y)(0));
  CHECK(make_flow<double>(full_rank_normal<3> | flip | lower_triangular).text() ==
        "normal<3> | lower_triangular | flip | lower_triangular");
}

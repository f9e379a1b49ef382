/// \file
/// on<rows...>: the named variables are mapped, the others are untouched to the bit, whatever
/// permutations stand around it.

#include <cmath>

#include "../flow/check.hpp"

using namespace bijou;
using bijou::testing::check_expression;
using bijou::testing::make_subject;

TEST_CASE("columns with supports of their own", "[bijectors]") {
  check_expression(normal<4> | maf<6> | on<0>(exp_map) | on<2, 1>(sigmoid_map) |
                   on<1>(rational_quadratic<3>.unit_box()) | flip);
}

TEST_CASE("on maps the named variables only", "[bijectors]") {
  const auto f = make_subject<double>(normal<4> | on<3, 1>(exp_map));
  const auto x = f.noise(9, 1);
  const auto y = f.forward(x, {});
  for (std::size_t i = 0; i < 9; ++i) {
    CHECK(y.values[4 * i] == x[4 * i]);
    CHECK(y.values[4 * i + 1] == Approx(std::exp(x[4 * i + 1])).epsilon(1e-14));
    CHECK(y.values[4 * i + 2] == x[4 * i + 2]);
    CHECK(y.values[4 * i + 3] == Approx(std::exp(x[4 * i + 3])).epsilon(1e-14));
    CHECK(y.log_det[i] == Approx(x[4 * i + 1] + x[4 * i + 3]).epsilon(1e-12).margin(1e-14));
  }
}

TEST_CASE("on counts the variables where it stands", "[bijectors]") {
  const auto before = make_subject<double>(normal<3> | on<0>(exp_map) | flip);
  const auto after = make_subject<double>(normal<3> | flip | on<2>(exp_map));
  const auto x = before.noise(9, 1);
  CHECK(before.forward(x, {}).values == after.forward(x, {}).values);
}

TEST_CASE("free parameters belong to the named variables", "[bijectors]") {
  const auto q = make_flow<double>(normal<5> | on<1, 4>(affine));
  CHECK(q.num_parameters() == 4);
}

/// \file
/// Words that map each variable by itself: transformers with free parameters, fixed maps, and maps
/// of a user's own, alone and fused.

#include "../flow/check.hpp"

using namespace bijou;
using bijou::testing::check_double;
using bijou::testing::check_expression;

namespace {

/// y = sinh x, as a user would write it: dual numbers bring its derivatives.
struct sinh_map {
  template <class X> X forward(X x) const {
    using bijou::math::exp;
    return X(0.5) * (exp(x) - exp(-x));
  }
  template <class X> X inverse(X y) const {
    using bijou::math::log, bijou::math::sqrt;
    return log(y + sqrt(y * y + X(1)));
  }
  template <class X> X log_abs_slope(X x) const {
    using bijou::math::exp, bijou::math::log;
    return log(X(0.5) * (exp(x) + exp(-x)));
  }
};

/// y = e^-x falls: what counts is the magnitude of its slope.
struct falling_map {
  static constexpr auto image = kind::positive;
  static constexpr const char* name = "falling_map";
  template <class X> X forward(X x) const {
    using bijou::math::exp;
    return exp(-x);
  }
  template <class X> X inverse(X y) const {
    using bijou::math::log;
    return -log(y);
  }
  template <class X> X log_abs_slope(X x) const { return -x; }
};

} // namespace

TEST_CASE("free parameters of every transformer", "[bijectors]") {
  check_expression(normal<3> | affine | clamped_affine | gated | gated.sigmoid_bias(-1) |
                   clamped_affine.clip(-1, 2) | additive | softplus_affine |
                   softplus_affine.min_scale(0.25));
}
TEST_CASE("a shift and a scale of any sign for each variable, one turned round", "[bijectors]") {
  check_expression(normal<3> | diagonal_affine | flip | inverse(diagonal_affine) | affine);
}
TEST_CASE("fixed parameters have no gradient, and change no other", "[bijectors]") {
  constexpr auto trained = normal<2> | affine | diagonal_affine | inverse(additive) | affine;
  constexpr auto fixed =
      normal<2> | affine | diagonal_affine.fixed() | inverse(additive.fixed()) | affine;
  const auto a = bijou::testing::make_subject<double>(trained);
  const auto b = bijou::testing::make_subject<double>(fixed);
  const std::vector<double> y{0.3, -1.2, 2.5, 0.1}, ones(2, 1.0);
  const auto of_trained = a.log_prob_gradient(y, {}, ones, 1.0);
  const auto of_fixed = b.log_prob_gradient(y, {}, ones, 1.0);
  CHECK(of_fixed.log_prob == of_trained.log_prob);
  CHECK(of_fixed.by_inputs == of_trained.by_inputs);
  // Rows of sixteen places: shift and scale of affine, of diagonal_affine, additive's shift,
  // affine.
  REQUIRE(of_fixed.by_parameters.size() == 7 * 16);
  for (std::size_t i = 0; i < of_fixed.by_parameters.size(); ++i) {
    const bool is_fixed = i / 16 >= 2 && i / 16 < 5;
    if (is_fixed && i % 16 < 2) CHECK(of_trained.by_parameters[i] != 0);
    CHECK(of_fixed.by_parameters[i] == (is_fixed ? 0 : of_trained.by_parameters[i]));
  }
}
TEST_CASE("free splines on the line", "[bijectors]") {
  check_expression(normal<2> | rational_quadratic<5> | rational_quadratic<3>.bound(2).pyro());
}
TEST_CASE("free rational linear splines", "[bijectors]") {
  check_expression(normal<2> | rational_linear<5> | rational_linear<3>.bound(2).pyro());
}
TEST_CASE("free splines on the unit box", "[bijectors]") {
  check_expression(uniform<2> | rational_quadratic<5>.unit_box() |
                   rational_quadratic<3>.unit_box().boundary_slope(1));
}
TEST_CASE("maps of a user's own", "[bijectors]") {
  check_expression(normal<2> | elementwise(sinh_map{}) | affine | inverse(elementwise(sinh_map{})) |
                   elementwise(falling_map{}));
}
TEST_CASE("fixed maps one after the other", "[bijectors]") {
  check_expression(normal<2> | sigmoid_map | rational_quadratic<3>.unit_box() |
                   inverse(sigmoid_map) | tanh_map | inverse(tanh_map) | affine | softplus_map |
                   inverse(softplus_map) | exp_map);
}
TEST_CASE("an interval map", "[bijectors]") {
  check_double(normal<1> | affine | interval_map(-2, 3));
}

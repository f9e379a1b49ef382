/// \file
/// Flows with one kind of word each: maps, log-dets, gradients, bits, in float and double.

#include "check.hpp"

using namespace bijou;
using bijou::testing::check_expression;

TEST_CASE("iaf", "[flow]") { check_expression(normal<5> | iaf<24>); }
TEST_CASE("maf of two hidden layers, with context", "[flow]") {
  // With the usual seed a float decides otherwise than a double whether a unit is on.
  check_expression(normal<3> | given<2> | maf<16, 24>, {.seed = 18});
}
TEST_CASE("words that mix variables, between permutations and with a context they ignore",
          "[flow]") {
  // Where one of them is wrong, its own test says so (tests/bijectors).
  check_expression(normal<3> | given<2> | planar | flip | radial | householder<2> | affine |
                   sylvester | lower_triangular | lu | singular_value<2> | discrete_cosine |
                   haar<> | iaf<8>);
}
TEST_CASE(
    "exponentials of matrices and channels, between permutations and with a context they ignore",
    "[flow]") {
  check_expression(normal<3> | given<2> | rotation | flip | matrix_exponential |
                   channel_permute<3>.order({1, 2, 0}) | iaf<8>);
}
TEST_CASE("words that are solved for, one turned round", "[flow]") {
  check_expression(normal<3> | planar | flip | inverse(radial) | sylvester);
}
TEST_CASE("a kink, tails that are powers, and both turned round", "[flow]") {
  check_expression(normal<2> | affine | leaky_relu_map(0.2) | affine | arctan_map | flip |
                   inverse(arctan_map) | affine | inverse(leaky_relu_map(0.5)) | arctan_map);
}
TEST_CASE("powers of the half-line and of the line", "[flow]") {
  check_expression(normal<2> | affine | exp_map | power_map(-0.7) | inverse(exp_map) | affine |
                   signed_power_map(2) | inverse(signed_power_map(3)) | affine);
}
TEST_CASE("a soft clip, the Gumbel law's distribution function, a leaky tanh", "[flow]") {
  check_expression(normal<2> | affine | leaky_tanh_map(0.7) | affine |
                   inverse(leaky_tanh_map(1.5)) | softclip_map(4) | flip |
                   inverse(interval_map(-4, 4)) | gumbel_map | inverse(sigmoid_map) | affine |
                   softclip_map(3));
}
TEST_CASE("an exponential linear unit, there and back", "[flow]") {
  check_expression(normal<2> | affine | elu_map | flip | inverse(elu_map) | affine | elu_map);
}
TEST_CASE("coupling of a spline on the unit box", "[flow]") {
  check_expression(uniform<5> | coupling<16>(rational_quadratic<4>.unit_box()) | flip);
}
TEST_CASE("coupling of a rational linear spline on the unit box", "[flow]") {
  check_expression(uniform<5> | coupling<16>(rational_linear<4>.unit_box()) | flip);
}
TEST_CASE("additive and softplus_affine, with free parameters and in both conditioners", "[flow]") {
  check_expression(normal<3> | additive | softplus_affine.min_scale(0.5) |
                   coupling<8>(softplus_affine) | flip | autoregressive<8>(additive));
}

/// \file
/// Every transformer in an autoregressive word and in a coupling: neither knows of the other.

#include "check.hpp"

using namespace bijou;
using testing::check_double;

namespace {

/// D = 3, six units: one shape for all, so that a transformer is the only news.
template <class Tr> void check_on_line(const Tr& t) {
  check_double(normal<3> | autoregressive<6>(t).activation(activations::silu) | flip |
               coupling<6>(t).activation(activations::silu));
}
template <class Tr> void check_on_box(const Tr& t) {
  check_double(uniform<3> | autoregressive<6>(t).activation(activations::silu) | flip |
               coupling<6>(t).activation(activations::silu));
}

} // namespace

TEST_CASE("additive in networks", "[flow]") { check_on_line(additive); }
TEST_CASE("affine in networks", "[flow]") { check_on_line(affine); }
TEST_CASE("clamped_affine in networks", "[flow]") {
  // Bounds that no log scale reaches: beyond them gradients are none of the map, by definition.
  check_on_line(clamped_affine.clip(-8, 9));
}
TEST_CASE("diagonal_affine in networks", "[flow]") { check_on_line(diagonal_affine); }
TEST_CASE("gated in networks", "[flow]") { check_on_line(gated.sigmoid_bias(0.5)); }
TEST_CASE("softplus_affine in networks", "[flow]") {
  check_on_line(softplus_affine.min_scale(0.01));
}
TEST_CASE("splines of the line in networks", "[flow]") {
  check_on_line(rational_quadratic<4>.bound(2));
}
TEST_CASE("rational linear splines in networks", "[flow]") {
  check_on_line(rational_linear<4>.bound(2));
}
TEST_CASE("splines of the unit box in networks", "[flow]") {
  check_on_box(rational_quadratic<4>.unit_box());
}

#include "check.hpp"

using namespace bijou;
using bijou::testing::check_expression;

TEST_CASE("iaf: maps, log-dets, gradients, bits") { check_expression(normal<5> | iaf<24>); }
TEST_CASE("two iaf with a flip") { check_expression(normal<4> | iaf<16> | flip | iaf<20>); }
TEST_CASE("maf of two hidden layers") { check_expression(normal<3> | maf<16, 24>); }
TEST_CASE("coupling") {
  check_expression(normal<5> | coupling<16>(affine) | flip | coupling<16>());
}

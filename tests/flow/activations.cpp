/// \file
/// Activations in networks that are differentiated both ways: one whose derivative follows from its
/// output and one that asks for what went in. (relu, tanh and silu: most other tests of flows. The
/// functions themselves: tests/networks/activations.cpp.)

#include "check.hpp"

using namespace bijou;
using testing::check_double;

TEST_CASE("elu in a flow", "[flow]") {
  check_double(normal<3> | maf<5, 7>.activation(activations::elu));
}
TEST_CASE("gelu in a flow", "[flow]") {
  check_double(normal<3> | maf<5, 7>.activation(activations::gelu));
}
TEST_CASE("gelu_tanh in a flow", "[flow]") {
  check_double(normal<3> | maf<5, 7>.activation(activations::gelu_tanh));
}

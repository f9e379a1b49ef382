/// \file
/// Activations in networks that are differentiated both ways: those whose derivative follows from
/// their output and those that ask for what went in. (relu, tanh and silu: most other tests of
/// flows. The functions themselves: tests/networks/activations.cpp.)

#include "check.hpp"

using namespace bijou;

TEST_CASE("elu, gelu and gelu_tanh in a flow", "[flow]") {
  testing::check_double(normal<3> | maf<5, 7>.activation(activations::elu) |
                        maf<5, 7>.activation(activations::gelu) |
                        maf<5, 7>.activation(activations::gelu_tanh));
}

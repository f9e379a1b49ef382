// Pyro's AffineAutoregressive: another activation, a given order.
#include "autoregressive_case.hpp"

using namespace bijou;
using bijou::testing::check_autoregressive;

TEST_CASE("AffineAutoregressive: tanh and a given order") {
  check_autoregressive<3>("AffineAutoregressive_4_d3",
                          autoregressive<9>(clamped_affine).activation(activations::tanh));
}

// Pyro's AffineAutoregressive: skip connections, activations, orders.
#include "autoregressive_case.hpp"

using namespace bijou;
using bijou::testing::check_autoregressive;

TEST_CASE("AffineAutoregressive: two hidden layers, skip connections, a random order") {
  check_autoregressive<5>("AffineAutoregressive_1_d5",
                          autoregressive<16, 16>(clamped_affine).skip());
}

TEST_CASE("AffineAutoregressive: tanh and a given order") {
  check_autoregressive<3>("AffineAutoregressive_4_d3",
                          autoregressive<9>(clamped_affine).activation(activations::tanh));
}

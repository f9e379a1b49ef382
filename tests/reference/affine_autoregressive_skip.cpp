// Pyro's AffineAutoregressive: skip connections, a random order.
#include "autoregressive_case.hpp"

using namespace bijou;
using bijou::testing::check_autoregressive;

TEST_CASE("AffineAutoregressive: two hidden layers, skip connections, a random order") {
  check_autoregressive<5>("AffineAutoregressive_1_d5",
                          autoregressive<16, 16>(clamped_affine).skip());
}

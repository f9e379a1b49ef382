// Pyro's AffineAutoregressive: its largest network, and log scales that leave a narrow clamp.
#include "autoregressive_case.hpp"

using namespace bijou;
using bijou::testing::check_autoregressive;

TEST_CASE("AffineAutoregressive: eight variables, 64 hidden units") {
  check_autoregressive<8>("AffineAutoregressive_5_d8", autoregressive<64>(clamped_affine));
}

TEST_CASE("AffineAutoregressive: scales beyond the clamp, order reversed") {
  check_autoregressive<6>("AffineAutoregressive_3_d6",
                          autoregressive<20>(clamped_affine.clip(-0.25, 0.2)));
}

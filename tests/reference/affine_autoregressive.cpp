// Pyro's AffineAutoregressive, plain and stable.
#include "autoregressive_case.hpp"

using namespace bijou;
using bijou::testing::check_autoregressive;

TEST_CASE("AffineAutoregressive") {
  check_autoregressive<2>("AffineAutoregressive_0_d2", autoregressive<8>(clamped_affine));
}

TEST_CASE("AffineAutoregressive: stable, the gated form of IAF") {
  check_autoregressive<4>("AffineAutoregressive_2_d4", iaf<12>);
}

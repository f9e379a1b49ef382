// Pyro's Radial.
#include "agreement.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("Radial") { check_forward_word<3>("Radial_0_d3", radial, renamed("", "layers.0.")); }

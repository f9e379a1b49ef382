// Pyro's ConditionalAffineAutoregressive: a context for each sample.
#include "autoregressive_case.hpp"

using namespace bijou;
using bijou::testing::check_autoregressive;

TEST_CASE("ConditionalAffineAutoregressive") {
  check_autoregressive<4, 3>("ConditionalAffineAutoregressive_0_d4",
                             autoregressive<12>(clamped_affine), "inner.nn.");
}

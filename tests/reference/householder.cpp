// Pyro's Householder.
#include "agreement.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("Householder: two reflections") {
  const pyro_layout layout = renamed("", "layers.1.");
  const auto install = [&](auto& q, const reference_case& c) { install_by_name(q, c, layout); };
  check_word<5>("Householder_0_d5", householder<2>, install, layout);
}

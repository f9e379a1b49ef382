// Pyro's SplineCoupling of order quadratic.
#include <string>

#include "agreement.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("SplineCoupling") {
  // With identity=True the lower spline stands in the state_dict but maps nothing.
  const std::string network = "upper_spline.nn.", last = network + "layers.2.";
  const pyro_layout layout = [=](const std::string& name) -> counterpart {
    if (name.starts_with("lower_spline.")) return {};
    counterpart to = renamed(network, "layers.1.nn.")(name);
    const std::size_t columns = name.ends_with("bias") ? 1 : 16;
    if (name.starts_with(last))
      to.place = [=](std::size_t i) {
        return spline_coupling_row(i / columns, 3, 5) * columns + i % columns;
      };
    return to;
  };
  check_word<5>(
      "SplineCoupling_1_d5", coupling<16, 16>(rational_quadratic<5>.pyro()).split(2),
      [&](auto& q, const reference_case& c) { install_by_name(q, c, layout); }, layout);
}

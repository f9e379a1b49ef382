// Pyro's Spline and SplineAutoregressive of order quadratic.
#include <string>

#include "agreement.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("Spline") {
  // Pyro has three arrays (variables, n) where we have one (parameters, variables).
  const pyro_layout layout = [](const std::string& name) -> counterpart {
    const spline_part part = spline_part_of(name, 5);
    return {.ours = "layers.1.theta",
            .place = [=](std::size_t i) { return (part.first + i % part.n) * 3 + i / part.n; }};
  };
  const auto install = [&](auto& q, const reference_case& c) { install_by_name(q, c, layout); };
  constexpr auto word = rational_quadratic<5>.bound(2.5).pyro();

  // One point of the inverse lies in a bin 0.0236 high, where the log slope changes by 712 nats for
  // each unit of y: by 1e-4 for a y that is off in a float's last place. Pyro's own float32 is off
  // by 7e-5 there, ours by 1.2e-4.
  check_word<3>("Spline_1_d3", word, install, layout, float_points::rounded);
}

TEST_CASE("SplineAutoregressive") {
  check_word<4>(
      "SplineAutoregressive_1_d4", autoregressive<16>(rational_quadratic<5>.pyro()),
      [](auto& q, const reference_case& c) { install_arn<0>(q, c, "arn."); },
      renamed("arn.", "layers.1.arn."));
}

// Pyro's Spline, SplineCoupling and SplineAutoregressive of order linear, their default.
#include <string>

#include "agreement.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {

// Pyro has four arrays (variables, n) where we have one (parameters, columns).
pyro_layout free_spline(const std::string& ours, std::size_t bins, std::size_t columns) {
  return [=](const std::string& name) -> counterpart {
    const spline_part part = spline_part_of(name, bins);
    return {.ours = ours, .place = [=](std::size_t i) {
              return (part.first + i % part.n) * columns + i / part.n;
            }};
  };
}

} // namespace

TEST_CASE("Spline of order linear") {
  const pyro_layout layout = free_spline("layers.1.theta", 8, 4);
  const auto install = [&](auto& q, const reference_case& c) { install_by_name(q, c, layout); };
  // At one point of the inverse the log slope changes by 1821 nats for each unit of y = 2.07: by
  // 1e-3 for 6e-7, which is what a float knows of a knot (1e-7 of the box). Pyro's own float32 is
  // off by 3e-4 there, ours by 1.1e-3; gradients by parameters follow.
  check_word<4>("Spline_0_d4", rational_linear<8>.pyro(), install, layout,
                float_points::forward_only);
}

TEST_CASE("SplineAutoregressive of order linear") {
  check_word<3>(
      "SplineAutoregressive_0_d3", autoregressive<12>(rational_linear<4>.pyro()),
      [](auto& q, const reference_case& c) { install_arn<0>(q, c, "arn."); },
      renamed("arn.", "layers.1.arn."));
}

TEST_CASE("SplineCoupling of order linear, with a spline of the variables that it keeps") {
  const std::string network = "upper_spline.nn.", last = network + "layers.1.";
  // Parameters of a word on rows stand in a tensor of all variables.
  const pyro_layout lower = free_spline("layers.2.theta", 4, 4);
  const pyro_layout layout = [=](const std::string& name) -> counterpart {
    if (name.starts_with("lower_spline.")) return lower(name);
    counterpart to = renamed(network, "layers.1.nn.")(name);
    const std::size_t columns = name.ends_with("bias") ? 1 : 16;
    if (name.starts_with(last))
      to.place = [=](std::size_t i) {
        return spline_coupling_row(i / columns, 2, 4) * columns + i % columns;
      };
    return to;
  };
  constexpr auto spline = rational_linear<4>.pyro();
  check_word<4>(
      "SplineCoupling_0_d4", coupling<16>(spline).split(2) | on<0, 1>(spline),
      [&](auto& q, const reference_case& c) { install_by_name(q, c, layout); }, layout);
}

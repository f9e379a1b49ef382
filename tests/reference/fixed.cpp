// torch.distributions' and Pyro's maps without a network.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "agreement.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {

template <int D, class Word> void check_fixed(const std::string& name, const Word& word) {
  check_word<D>(
      name, word, [](auto&, const reference_case&) {}, pyro_layout{});
}

} // namespace

TEST_CASE("ExpTransform") { check_fixed<4>("ExpTransform_0_d4", exp_map); }
TEST_CASE("SigmoidTransform") { check_fixed<4>("SigmoidTransform_0_d4", sigmoid_map); }
TEST_CASE("TanhTransform") { check_fixed<4>("TanhTransform_0_d4", tanh_map); }
TEST_CASE("SoftplusTransform") { check_fixed<4>("SoftplusTransform_0_d4", softplus_map); }
TEST_CASE("Permute") { check_fixed<5>("Permute_0_d5", permute({3, 1, 4, 0, 2})); }

TEST_CASE("ELUTransform: Pyro's inverse is log(1 + y + 1e-8)") {
  check_forward_word<4>("ELU_0_d4", elu_map, pyro_layout{});
  const reference_case c("ELU_0_d4");
  const auto s = compared_flow<double>(make_flow<double>(normal<4> | elu_map));
  const std::vector<double> y = c["inv.y"].values, x = s.inverse(y).values;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double moved = y[i] > 0 ? 0 : 1e-8 / (1 + y[i]); // by Pyro, to first order
    CHECK(x[i] + moved == Approx(c["inv.x"].values[i]).epsilon(1e-12).margin(1e-12));
  }
}
TEST_CASE("PositivePowerTransform") {
  check_fixed<3>("PositivePowerTransform_0_d3", signed_power_map(3));
}

TEST_CASE("PowerTransform: a map of the half-line has no normal base") {
  const reference_case c("PowerTransform_0_d4");
  const auto check = [&]<class T>(T) {
    const auto f = make_bijector<T, 4>(power_map(2));
    std::vector<T> y(c["x"].values.size()), x(c["inv.y"].values.size());
    std::vector<T> log_det(c.batch()), inverse_log_det(c.batch());
    const auto from = c["x"].as<T>(), points = c["inv.y"].as<T>();
    auto to = rows_of(y.data(), c.batch(), 4), back = rows_of(x.data(), c.batch(), 4);
    auto ws = f.make_workspace();
    f.forward(rows_of(from.data(), c.batch(), 4), to, log_det, ws);
    f.inverse(rows_of(points.data(), c.batch(), 4), back, inverse_log_det, ws);
    require_agreement(c, "y", y);
    require_agreement(c, "ladj", log_det);
    require_agreement(c, "inv.x", x);
    for (T& v : inverse_log_det) v = -v; // Pyro's is that of the forward map
    require_agreement(c, "inv.ladj", inverse_log_det);
  };
  check(double{});
  check(float{});
}

TEST_CASE("AffineTransform") {
  // Scales of either sign: a learned affine map has positive ones, so the sign comes before it.
  const std::string name = "AffineTransform_0_d4";
  const std::vector<double> scale = reference_case(name)["param.scale"].values;
  std::vector<double> sign, zero(scale.size(), 0.0);
  for (const double s : scale) sign.push_back(s < 0 ? -1 : 1);

  // theta is (shift, log|scale|), each of four variables.
  const std::string ours = "layers.2.theta";
  const auto install = [&](auto& q, const reference_case& c) {
    auto set = named_parameters(q);
    using T = typename std::remove_cvref_t<decltype(q)>::value_type;
    auto& theta = values_of(set, ours);
    for (std::size_t d = 0; d < scale.size(); ++d) {
      theta[d] = static_cast<T>(c["param.loc"].values[d]);
      theta[scale.size() + d] = static_cast<T>(std::log(std::abs(scale[d])));
    }
    set_named_parameters(q, set);
  };
  const pyro_layout layout = [&](const std::string& array) -> counterpart {
    if (array == "loc") return {.ours = ours};
    return {.ours = ours,
            .place = [&](std::size_t d) { return scale.size() + d; },
            .chain = [&](std::size_t d) { return 1 / scale[d]; }}; // d log|s| / ds
  };
  check_word<4>(name, standardise(zero, sign) | clamped_affine, install, layout);
}

TEST_CASE("AffineTransform: the same two numbers, learned") {
  const pyro_layout layout = [](const std::string& array) -> counterpart {
    const std::size_t row = array == "loc" ? 0 : 4;
    return {.ours = "layers.1.theta", .place = [=](std::size_t d) { return row + d; }};
  };
  const auto install = [&](auto& q, const reference_case& c) { install_by_name(q, c, layout); };
  check_word<4>("AffineTransform_0_d4", diagonal_affine, install, layout);
}

TEST_CASE("BatchNorm, in evaluation") {
  // y = m + (x - beta) s: in two words, each number has a place of its own.
  const std::string name = "BatchNorm_0_d4", shift = "layers.1.theta",
                    affine_map = "layers.2.theta";
  const reference_case numbers(name);
  std::vector<double> gain, scale;
  for (std::size_t d = 0; d < 4; ++d) {
    gain.push_back(std::max(0.0, numbers["param.gamma"].values[d]) + 1e-6);
    scale.push_back(std::sqrt(numbers["buffer.moving_variance"].values[d] + 1e-5) / gain[d]);
  }
  const auto install = [&](auto& q, const reference_case& c) {
    using T = typename std::remove_cvref_t<decltype(q)>::value_type;
    auto set = named_parameters(q);
    for (std::size_t d = 0; d < 4; ++d) {
      values_of(set, shift)[d] = static_cast<T>(-c["param.beta"].values[d]);
      values_of(set, affine_map)[d] = static_cast<T>(c["buffer.moving_mean"].values[d]);
      values_of(set, affine_map)[4 + d] = static_cast<T>(scale[d]);
    }
    set_named_parameters(q, set);
  };
  const pyro_layout layout = [&](const std::string& array) -> counterpart {
    if (array == "beta") return {.ours = shift, .chain = [](std::size_t) { return -1.0; }};
    return {.ours = affine_map,
            .place = [](std::size_t d) { return 4 + d; },
            .chain = [&](std::size_t d) { return -scale[d] / gain[d]; }}; // ds / dgamma
  };
  check_word<4>(name, additive | diagonal_affine, install, layout);
}

TEST_CASE("AffineTransform: a fixed shift and scale") {
  const reference_case c("AffineTransform_0_d4");
  const std::vector<double> loc = c["param.loc"].values, scale = c["param.scale"].values;
  const auto check = [&]<class T>(T) {
    const auto s = compared_flow<T>(make_flow<T>(normal<4> | inverse(standardise(loc, scale))));
    const auto y = s.forward(c["x"].as<T>());
    require_agreement(c, "y", y.values);
    require_agreement(c, "ladj", y.log_det);
    require_agreement(c, "inv.x", s.inverse(c["inv.y"].as<T>()).values);
  };
  check(double{});
  check(float{});
}

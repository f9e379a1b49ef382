/// \file
/// Where training begins: spread of the initial parameters, flows near the identity, seeds.

#include <bijou/bijou.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../catch.hpp"
#include "../support/values_of.hpp"

using namespace bijou;

namespace {

template <class Flow>
std::vector<double> tensor(const Flow& q, const std::string& name,
                           const std::vector<std::size_t>& shape) {
  return named_parameters(q).at(name, shape);
}

/// Whether the numbers may have mean 0 and this deviation: both within 4.5 standard errors.
void check_spread(const std::vector<double>& values, double deviation) {
  double sum = 0, squares = 0;
  for (const double v : values) {
    sum += v / deviation;
    squares += v * v / (deviation * deviation);
  }
  const auto n = static_cast<double>(values.size());
  CAPTURE(n, deviation, std::sqrt(squares / n));
  CHECK(std::abs(sum) < 4.5 * std::sqrt(n));
  CHECK(std::abs(squares - n) < 4.5 * std::sqrt(2 * n));
}

template <class E> std::vector<float> initial(const E& expression, std::uint64_t seed) {
  return testing::values_of(make_flow<float>(expression, seed));
}

} // namespace

TEST_CASE("initial parameters: Pyro's spread", "[flow]") {
  // Pyro draws uniformly from +-1 / sqrt(D), and matrices of sylvester from +-0.01.
  constexpr int D = 48;
  const double deviation = 1 / std::sqrt(3.0 * D), small = 0.01 / std::sqrt(3.0);
  const auto q = make_flow<double>(normal<D> | planar | radial | sylvester | householder<8>, 3);
  check_spread(tensor(q, "layers.0.u", {D}), deviation);
  check_spread(tensor(q, "layers.0.w", {D}), deviation);
  CHECK(tensor(q, "layers.0.bias", {1}) == std::vector{0.0});
  check_spread(tensor(q, "layers.1.x0", {D}), deviation);
  check_spread(tensor(q, "layers.2.R_diag", {D}), small);
  check_spread(tensor(q, "layers.2.S_diag", {D}), small);
  check_spread(tensor(q, "layers.2.b", {D}), small);
  check_spread(tensor(q, "layers.2.u_unnormed", {D / 2 + 1, D}), deviation);
  check_spread(tensor(q, "layers.3.u_unnormed", {8, D}), deviation);
}

TEST_CASE("initial parameters: matrices of linear words", "[flow]") {
  constexpr int D = 48;
  const double deviation = 1 / std::sqrt(3.0 * D); // as Pyro's uniform numbers have
  const auto q =
      make_flow<double>(normal<D> | matrix_exponential | rotation | singular_value<8>, 3);
  check_spread(tensor(q, "layers.0.weights", {D, D}), deviation);
  // An entry of A stands for the difference of two normal ones.
  const auto a = tensor(q, "layers.1.A", {D, D});
  std::vector<double> below;
  for (int i = 0; i < D; ++i)
    for (int j = 0; j < D; ++j) {
      const double entry = detail::at(a, i * D + j);
      if (j < i)
        below.push_back(entry);
      else
        CHECK(entry == 0);
    }
  check_spread(below, std::sqrt(2.0));
  check_spread(tensor(q, "layers.2.u_unnormed", {8, D}), deviation);
  check_spread(tensor(q, "layers.2.v_unnormed", {8, D}), deviation);
}

TEST_CASE("initial parameters: networks keep the size of what they see", "[flow]") {
  // A unit with n sources draws its weights and its bias with variance 1 / n.
  const auto q = make_flow<double>(normal<16> | coupling<64, 32>(affine), 3);
  check_spread(tensor(q, "layers.0.nn.layers.0.weight", {64, 8}), 1 / std::sqrt(8.0));
  check_spread(tensor(q, "layers.0.nn.layers.0.bias", {64}), 1 / std::sqrt(8.0));
  check_spread(tensor(q, "layers.0.nn.layers.1.weight", {32, 64}), 1 / std::sqrt(64.0));
  check_spread(tensor(q, "layers.0.nn.layers.1.bias", {32}), 1 / std::sqrt(64.0));
  check_spread(tensor(q, "layers.0.nn.layers.2.weight", {16, 32}), 0.01 / std::sqrt(32.0));
  for (const double b : tensor(q, "layers.0.nn.layers.2.bias", {16})) CHECK(b == 0);
}

TEST_CASE("initial parameters: outputs begin at the transformer's identity", "[flow]") {
  // log(e - 1) makes plain slopes 1 for every variable; Pyro's floor of 0.001 is taken off first.
  constexpr auto spline = rational_quadratic<3>.plain_slopes();
  const auto q = make_flow<double>(normal<5> | coupling<8>(spline), 3);
  const auto bias = tensor(q, "layers.0.nn.layers.1.bias", {3 * 8}); // parameter by parameter
  const double slope = std::log(std::expm1(1 - 0.001));
  for (std::size_t i = 0; i < bias.size(); ++i) {
    CAPTURE(i);
    CHECK(bias[i] == Approx(i / 3 < 6 ? 0.0 : slope).margin(1e-15));
  }
}

TEST_CASE("initial parameters: a word's own seed, wherever it is given", "[flow]") {
  constexpr auto n = normal<3>;
  const auto same = [](const auto& a, const auto& b) { CHECK(initial(a, 1) == initial(b, 2)); };
  CHECK(initial(n | iaf<8>, 1) != initial(n | iaf<8>, 2));
  CHECK(initial(n | coupling<8>(affine), 1) != initial(n | coupling<8>(affine), 2));
  same(n | iaf<8>.seed(7), n | iaf<8>.seed(7));
  same(n | iaf<8>.seed(7).skip(), n | iaf<8>.skip().seed(7));
  same(n | iaf<8>.seed(7).order({2, 0, 1}), n | iaf<8>.order({2, 0, 1}).seed(7));
  same(n | iaf<8>.seed(7).sigmoid_bias(1), n | iaf<8>.sigmoid_bias(1).seed(7));
  same(n | maf<8>.seed(7).activation(activations::tanh),
       n | maf<8>.activation(activations::tanh).seed(7));
  same(n | inverse(iaf<8>.seed(7)), n | inverse(iaf<8>.seed(7)));
  same(n | inverse(iaf<8>.seed(7).skip()), n | inverse(iaf<8>.skip().seed(7)));
  same(n | coupling<8>(affine).seed(7).split(2), n | coupling<8>(affine).split(2).seed(7));
  same(n | coupling<8>(affine).seed(7).activation(activations::tanh),
       n | coupling<8>(affine).activation(activations::tanh).seed(7));
  CHECK(initial(n | iaf<8>.seed(7), 1) != initial(n | iaf<8>.seed(8), 1));
}

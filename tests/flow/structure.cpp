/// \file
/// Outputs depend on what degrees allow and on nothing else, whatever the parameters.

#include "check.hpp"

using namespace bijou;
using testing::make_subject;
using testing::matrix;

namespace {

/// Which rank may depend on which: reach[i][j] if the transformer's parameters of rank i see the
/// input of rank j, by a path of connections through the hidden units.
std::vector<std::vector<bool>> dependencies(const degree_assignment& a, bool skip) {
  const std::size_t n = a.inputs.size();
  std::vector<std::vector<bool>> seen(n, std::vector<bool>(n, false));
  for (std::size_t j = 0; j < n; ++j) {
    std::vector<int> reached{a.inputs[j]}; // degrees of the units that see input j
    for (const auto& layer : a.hidden) {
      std::vector<int> next;
      for (const int unit : layer)
        if (std::any_of(reached.begin(), reached.end(), [&](int from) { return from <= unit; }))
          next.push_back(unit);
      reached = next;
    }
    for (std::size_t i = 0; i < n; ++i)
      seen[i][j] = (skip && a.inputs[j] < a.outputs[i]) ||
                   std::any_of(reached.begin(), reached.end(),
                               [&](int from) { return from < a.outputs[i]; });
  }
  return seen;
}

/// Exact zeros where there is no dependency, and none elsewhere. Variable order[i] has rank i.
void check_zeros(const matrix& j, const std::vector<std::vector<bool>>& seen,
                 const std::vector<int>& order) {
  const auto variable = [&](std::size_t rank) { return static_cast<std::size_t>(order[rank]); };
  for (std::size_t i = 0; i < order.size(); ++i)
    for (std::size_t k = 0; k < order.size(); ++k) {
      CAPTURE(i, k, j(variable(i), variable(k)));
      REQUIRE((j(variable(i), variable(k)) != 0) == (i == k || seen[i][k]));
    }
}

/// Jacobians of the forward map of `normal<D> | word` at some points, at parameters of all kinds.
template <int D, class W> void check_structure(const W& word, bool skip) {
  const auto expression = normal<D> | word;
  const auto f = make_subject<double, testing::wants::evaluation>(expression);
  INFO(f.text);
  const auto q = make_flow<double>(expression);
  const auto network = arn<0>(q);
  const auto order = network.order();
  const auto seen = dependencies(network.degrees(), skip);
  for (std::size_t i = 0; i < seen.size(); ++i)
    for (std::size_t j = i; j < seen.size(); ++j) REQUIRE(!seen[i][j]);
  const auto jacobian = [&](std::uint64_t seed) {
    const auto x = f.noise(1, seed);
    return testing::numerical_jacobian<double>(
        [&](const std::vector<double>& v) { return f.forward(v, {}).values; }, x);
  };
  check_zeros(jacobian(1), seen, order);
  // All entries of the flat vector at random, those of no connection among them.
  f.set_parameters(testing::normal_values<double>(f.parameters.size(), 23, 0.4F));
  check_zeros(jacobian(2), seen, order);
  for (std::size_t i = 0; i < f.structure.size(); ++i)
    if (f.structure[i] == 0) REQUIRE(f.parameters[i] == 0);
}

} // namespace

TEST_CASE("Jacobians have the zeros that degrees ask for", "[flow]") {
  check_structure<5>(iaf<7>.activation(activations::tanh).order({3, 0, 4, 1, 2}), false);
  check_structure<9>(iaf<7>.activation(activations::tanh), false); // fewer units than variables
  check_structure<9>(iaf<7>.activation(activations::tanh).skip(), true);
  check_structure<4>(
      autoregressive<6, 11>(affine).activation(activations::tanh).order({2, 0, 3, 1}), false);
}

TEST_CASE("dense weights at random leave the structure alone", "[flow]") {
  const auto expression =
      normal<4> | autoregressive<6, 11>(affine).activation(activations::tanh).order({2, 0, 3, 1});
  auto q = make_flow<double>(expression);
  auto set = named_parameters(q);
  for (auto& t : set.values) t.values = testing::normal_values<double>(t.values.size(), 31, 0.4F);
  set_named_parameters(q, set);
  auto ws = q.make_workspace();
  const auto j = testing::numerical_jacobian<double>(
      [&](const std::vector<double>& v) {
        std::vector<double> y(4);
        q.forward(rows_of(v.data(), 1, 4), rows_of(y.data(), 1, 4), nullptr, ws);
        return y;
      },
      testing::normal_values<double>(4, 1));
  const auto network = arn<0>(q);
  check_zeros(j, dependencies(network.degrees(), false), network.order());
}

TEST_CASE("steps of an optimizer leave what no connection owns at zero", "[flow]") {
  auto q = make_flow<double>(
      normal<4> | autoregressive<6, 11>(affine).activation(activations::tanh).order({2, 0, 3, 1}));
  adam<double> optimizer(q.parameters().size(), {.learning_rate = 0.1, .weight_decay = 0.01});
  auto ws = q.make_gradient_workspace();
  const auto y = testing::normal_values<double>(4 * 200, 1);
  for (int step = 0; step < 5; ++step) {
    // A gradient that is wrong where it does not count.
    std::vector<double> g = testing::normal_values<double>(q.parameters().size(), 5);
    accumulate_log_prob_gradient(q, weighted_batch<double>{rows_of(y.data(), 200, 4)}, -0.01,
                                 std::span<double>(g), ws);
    optimizer.step(q.parameters(), g);
  }
  const auto owned = q.structure();
  for (std::size_t i = 0; i < owned.size(); ++i)
    if (owned[i] == 0) REQUIRE(q.parameters()[i] == 0);
}

TEST_CASE("the structure's mask counts connections and biases", "[flow]") {
  // D = 4, 8 units of degrees 1, 2, 3 (3, 3, 2), two outputs each: connections by hand.
  const auto q = make_flow<float>(normal<4> | maf<8>);
  const auto degrees = arn<0>(q).degrees();
  std::size_t count = 8 + 2 * 4; // biases
  for (const int unit : degrees.hidden[0]) {
    for (const int input : degrees.inputs) count += input <= unit;
    for (const int output : degrees.outputs) count += 2 * static_cast<std::size_t>(unit < output);
  }
  const auto owned = q.structure();
  CHECK(q.num_parameters() == count);
  CHECK(std::count(owned.begin(), owned.end(), 1) == static_cast<std::ptrdiff_t>(count));
}

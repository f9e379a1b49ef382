// What Pyro 0.1.2's own tests demanded of the classes bijou grew from: the Jacobians of
// InverseAutoregressiveFlow and AutoRegressiveNN, and TransformedDistribution with an AffineExp.
#include <bijou/bijou.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>
#include <vector>

#include "../catch.hpp"
#include "../support/numerics.hpp"
#include "../support/random_parameters.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {

/// A random permutation of 0 .. n - 1: Pyro drew the order of the variables by itself.
std::vector<int> random_order(int n, std::uint64_t seed) {
  std::vector<int> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  const std::vector<double> keys = uniform_values<double>(order.size(), seed);
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    return keys[static_cast<std::size_t>(a)] < keys[static_cast<std::size_t>(b)];
  });
  return order;
}

/// A network as Pyro 0.1.2 built it: one hidden layer whose units' degrees are drawn evenly from
/// 1 .. D - 1, outputs in tiles of D, all weights drawn at random.
dense_network<double> random_network(const std::vector<int>& order, int hidden, int tiles,
                                     std::uint64_t seed) {
  const auto variables = static_cast<int>(order.size());
  std::vector<int> rank(order.size());
  for (int i = 0; i < variables; ++i)
    rank[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] = i;
  std::vector<int> degree;
  for (const double u : uniform_values<double>(static_cast<std::size_t>(hidden), seed))
    degree.push_back(1 + static_cast<int>(u * (variables - 1)));

  const auto layer = [&](int rows, int cols, std::uint64_t layer_seed, const auto& connected) {
    dense_layer<double> l{rows, cols, {}, {}, {}};
    l.bias = normal_values<double>(static_cast<std::size_t>(rows), layer_seed, 0.5F);
    for (int r = 0; r < rows; ++r)
      for (int k = 0; k < cols; ++k) l.mask.push_back(connected(r, k));
    l.weight = normal_values<double>(l.mask.size(), layer_seed + 1, 0.5F);
    return l;
  };
  const auto at = [](const std::vector<int>& v, int i) { return v[static_cast<std::size_t>(i)]; };
  dense_network<double> net;
  net.layers.push_back(layer(hidden, variables, seed + 1, [&](int unit, int variable) {
    return at(rank, variable) < at(degree, unit);
  }));
  net.layers.push_back(layer(tiles * variables, hidden, seed + 3, [&](int row, int unit) {
    return at(rank, row % variables) >= at(degree, unit);
  }));
  return net;
}

/// A Jacobian with rows and columns in an order.
matrix permuted(const matrix& j, const std::vector<int>& order) {
  matrix result = j;
  for (std::size_t i = 0; i < order.size(); ++i)
    for (std::size_t k = 0; k < order.size(); ++k)
      result(i, k) = j(static_cast<std::size_t>(order[i]), static_cast<std::size_t>(order[k]));
  return result;
}

template <int D, class Flow>
matrix jacobian_of_map(const Flow& q, const std::vector<double>& x, double* log_det) {
  auto ws = q.make_workspace();
  const auto map = [&](const std::vector<double>& from) {
    std::vector<double> to(from.size());
    q.forward(rows_of(from.data(), 1, D), rows_of(to.data(), 1, D), log_det, ws);
    return to;
  };
  matrix j = numerical_jacobian<double>(map, x);
  (void)map(x); // the log-det of the point itself
  return j;
}

/// One size of both of Pyro's tests, for networks with the degrees that bijou gives and with drawn
/// ones.
template <int D> void check_jacobians() {
  constexpr int hidden = 3 * D + 1;
  auto q = make_flow<double>(normal<D> | iaf<hidden>.sigmoid_bias(0.5), 11);
  const auto check = [&](std::uint64_t seed) {
    const auto net = arn<0>(q);
    const std::vector<int> order = net.order();
    const std::vector<double> x = normal_values<double>(D, seed);

    // y of a variable depends on x of itself and of those before it, and of nothing else at all.
    double log_det = 0;
    const matrix j = permuted(jacobian_of_map<D>(q, x, &log_det), order);
    double diagonal = 0;
    for (std::size_t i = 0; i < D; ++i) {
      CAPTURE(i);
      REQUIRE(j(i, i) > 0);
      diagonal += std::log(j(i, i));
      for (std::size_t k = i + 1; k < D; ++k) REQUIRE(j(i, k) == 0);
    }
    CHECK(near(log_det, diagonal, 1e-8));
    CHECK(near(log_det, log_abs_det(j), 1e-8));

    // The network's outputs depend on those before only. Each tile of D is a parameter.
    const auto outputs = [&](const std::vector<double>& at) { return net(at); };
    const matrix wide = numerical_jacobian<double>(outputs, x);
    REQUIRE(wide.rows == 2 * D);
    bool any = false;
    for (std::size_t tile = 0; tile < 2; ++tile) {
      matrix square{D, D, {}};
      square.values.assign(wide.values.begin() + static_cast<std::ptrdiff_t>(tile * D * D),
                           wide.values.begin() + static_cast<std::ptrdiff_t>((tile + 1) * D * D));
      square = permuted(square, order);
      for (std::size_t i = 0; i < D; ++i)
        for (std::size_t k = 0; k < D; ++k) {
          CAPTURE(tile, i, k);
          if (k >= i) REQUIRE(square(i, k) == 0);
          any = any || square(i, k) != 0;
        }
    }
    CHECK(any);
  };

  SECTION("the order and degrees of a fresh flow") {
    perturb(q.parameters(), q.structure(), 3);
    check(1);
  }
  SECTION("a drawn order and drawn degrees") {
    for (std::uint64_t seed = 100; seed < 104; ++seed) {
      const std::vector<int> order = random_order(D, seed);
      set_network<0>(q, order, random_network(order, hidden, 2, seed));
      REQUIRE(arn<0>(q).order() == order);
      check(seed);
    }
  }
  SECTION("without weights the flow is a mean field: each variable by itself") {
    const std::vector<int> order = random_order(D, 7);
    dense_network<double> net = random_network(order, hidden, 2, 7);
    for (auto& layer : net.layers) std::fill(layer.weight.begin(), layer.weight.end(), 0.0);
    set_network<0>(q, order, net);
    const std::vector<double> x = normal_values<double>(D, 5);
    double log_det = 0, sum = 0;
    const matrix j = jacobian_of_map<D>(q, x, &log_det);
    for (std::size_t i = 0; i < D; ++i) {
      const double gate = 1 / (1 + std::exp(-net.layers[1].bias[D + i] - 0.5));
      sum += std::log(gate);
      for (std::size_t k = 0; k < D; ++k) CHECK(near(j(i, k), i == k ? gate : 0, 1e-9));
    }
    CHECK(is_close<double>(log_det, sum));
  }
}

/// y = exp(a x + b): what Pyro's tests call AffineExp. On a standard normal it is the log-normal
/// distribution of mean b and deviation a of the logarithm.
struct affine_exp {
  float a, b; // what float holds, double holds too
  static constexpr auto image = kind::positive;

  template <class X> X forward(X x) const {
    using bijou::math::exp;
    return exp(X(a) * x + X(b));
  }
  template <class X> X inverse(X y) const {
    using bijou::math::log;
    return (log(y) - X(b)) / X(a);
  }
  template <class X> X log_abs_slope(X x) const {
    using bijou::math::abs, bijou::math::log;
    return X(a) * x + X(b) + log(abs(X(a)));
  }
};

} // namespace

TEST_CASE("IAF and AutoRegressiveNN: Jacobians, D = 2") { check_jacobians<2>(); }
TEST_CASE("IAF and AutoRegressiveNN: Jacobians, D = 3") { check_jacobians<3>(); }
TEST_CASE("IAF and AutoRegressiveNN: Jacobians, D = 5") { check_jacobians<5>(); }
TEST_CASE("IAF and AutoRegressiveNN: Jacobians, D = 7") { check_jacobians<7>(); }
TEST_CASE("IAF and AutoRegressiveNN: Jacobians, D = 9") { check_jacobians<9>(); }
TEST_CASE("IAF and AutoRegressiveNN: Jacobians, D = 11") { check_jacobians<11>(); }

TEST_CASE("TransformedDistribution: AffineExp on a normal is log-normal") {
  const affine_exp map{GENERATE(0.3F, 0.8F, -0.4F), GENERATE(-0.6F, 0.0F, 1.4F)};
  const double deviation = map.a, mean = map.b;
  CAPTURE(deviation, mean);
  const auto q = make_flow<double>(normal<1> | elementwise(map));
  const double variance = deviation * deviation;

  SECTION("log_prob") {
    auto ws = q.make_workspace();
    for (const double y : {1e-3, 0.2, 0.9, 1.0, 4.1, 50.0}) {
      const double z = (std::log(y) - mean) / deviation;
      const double expected = -std::log(y) - std::log(std::abs(deviation)) - z * z / 2 -
                              std::log(2 * std::numbers::pi) / 2;
      CAPTURE(y);
      CHECK(is_close<double>(q.log_prob(std::array{y}, ws), expected));
    }
    CHECK(q.log_prob(std::array{-1.0}, ws) == -std::numeric_limits<double>::infinity());
  }
  SECTION("mean and variance of samples") {
    constexpr std::size_t n = 200'000;
    philox stream{42};
    const auto y = q.sample(stream, n);
    const double expected_mean = std::exp(mean + variance / 2);
    const double expected_variance = std::expm1(variance) * expected_mean * expected_mean;
    const moments found = moments_of(y);
    // Five standard errors; that of the variance comes from the log-normal's fourth moment.
    const double w = std::exp(variance);
    const double kurtosis = w * w * w * w + 2 * w * w * w + 3 * w * w - 3;
    const double root = std::sqrt(static_cast<double>(n));
    CHECK(near(found.mean, expected_mean, 5 * std::sqrt(expected_variance) / root));
    CHECK(near(found.variance, expected_variance,
               5 * expected_variance * std::sqrt(kurtosis - 1) / root));
    std::vector<double> values(y.begin(), y.end());
    const auto cdf = [&](double v) {
      return normal_cdf((std::log(v) - mean) / std::abs(deviation));
    };
    CHECK(kolmogorov_smirnov(values, cdf).p_value > 1e-3);
  }
}

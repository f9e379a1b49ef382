/// \file
/// Words driven by the context alone: transformers and words that mix variables, their parameters
/// by the outputs of the network, one context for all samples, gradients by the context.

#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "../flow/check.hpp"

using namespace bijou;
using namespace bijou::testing;
using Catch::Matchers::Contains;

namespace {

/// A shear of the plane: momentum += strength position^2 + slope position.
struct shear {
  static constexpr int size = 2;
  static constexpr const char* name = "shear";
  static constexpr std::array parameters{parameter{"strength"}.normal(0.3, 0.1),
                                         parameter{"slope"}};

  void forward(const auto& x, auto& y, const auto& strength, const auto& slope) const {
    auto position = x[0], momentum = x[1];
    auto bent = fma(strength, position, slope);
    auto moved = fma(bent, position, momentum);
    y.set(1, moved);
  }
  void inverse(const auto& y, auto& x, const auto& strength, const auto& slope) const {
    auto position = y[0], momentum = y[1];
    auto bent = fma(strength, position, slope);
    auto moved = fnma(bent, position, momentum);
    x.set(1, moved);
  }
};

/// A context of C numbers for each of n samples, all others.
template <int C> std::vector<double> contexts_of(std::size_t n) {
  std::vector<double> c(n * C);
  for (std::size_t i = 0; i < c.size(); ++i) c[i] = std::sin(1.3 * static_cast<double>(i) + 0.2);
  return c;
}

} // namespace

TEST_CASE("driven: planar and radial by a context", "[bijectors]") {
  check_expression(normal<3> | given<2> | driven<8>(planar) | driven<5, 4>(radial),
                   {.float_tolerance = 3e-5});
}
TEST_CASE("driven: matrices of which each sample has its own", "[bijectors]") {
  check_expression(normal<3> | given<2> | driven<6>(lower_triangular) | driven<6>(householder<2>),
                   {.float_tolerance = 3e-5});
}
TEST_CASE("driven: ridges and an LU product", "[bijectors]") {
  check_double(normal<3> | given<1> | driven<4>(lu) | driven<5>(sylvester));
}
TEST_CASE("driven: singular values", "[bijectors]") {
  check_expression(normal<3> | given<2> | driven<6>(singular_value<2>), {.float_tolerance = 3e-5});
}
TEST_CASE("driven: exponentials of matrices of which each sample has its own", "[bijectors]") {
  check_expression(normal<3> | given<2> | driven<6>(rotation) | driven<5>(matrix_exponential),
                   {.float_tolerance = 3e-5});
}
TEST_CASE("driven: channels", "[bijectors]") {
  check_double(normal<4> | given<2> | driven<6>(channel_permute<2>.order({1, 0})));
}
TEST_CASE("driven: transformers of each variable", "[bijectors]") {
  check_expression(normal<3> | given<2> | driven<8>(affine) | driven<6>(rational_quadratic<4>));
}
TEST_CASE("driven: turned round, of many variables, with a tape of its own activation",
          "[bijectors]") {
  check_double(normal<19> | given<2> | inverse(driven<7>(planar)) |
               driven<8, 4>(planar).activation(activations::silu));
}
TEST_CASE("driven: a word of one's own formulas", "[bijectors]") {
  check_double(normal<2> | given<3> | driven<8>(mixing(shear{})) | driven<8>(mixing(shear{})));
}
TEST_CASE("driven: beside words that read the variables", "[bijectors]") {
  check_double(normal<3> | given<2> | driven<8>(affine) | maf<8> | flip | driven<4>(radial) |
               exp_map);
}

TEST_CASE("driven: a normal distribution whose mean and deviation are the network's",
          "[bijectors]") {
  constexpr std::size_t D = 3, C = 2, n = 5;
  auto q = make_flow<double>(normal<D> | given<C> | driven<8>(affine), 3);
  for (double& p : q.parameters()) p *= 3;
  const auto c = contexts_of<C>(n);
  std::vector<double> y(n * D), log_p(n);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = std::cos(static_cast<double>(i));
  auto ws = q.make_workspace();
  q.log_prob(rows_of(y.data(), n, D), rows_of(c.data(), n, C), log_p.data(), ws);
  for (std::size_t i = 0; i < n; ++i) {
    const std::vector<double> outputs = arn<0>(q)(std::span(c).subspan(i * C, C));
    double expected = 0;
    for (std::size_t d = 0; d < D; ++d) {
      // affine bounds its log-scale smoothly: transformers/affine.hpp.
      const double s = outputs[D + d], m = outputs[d];
      const double bounded = s / (1 + std::abs(s / std::log(1e3)));
      const double z = (y[i * D + d] - m) * std::exp(-bounded);
      expected += -0.5 * z * z - bounded - 0.5 * std::log(2 * std::acos(-1.0));
    }
    CHECK(near(log_p[i], expected, 1e-12));
  }
}

namespace {

/// The word with the parameters that the network gives is the driven word, bit for bit: with one
/// context for all samples (which shares them) and with one for each.
template <int D, class W> void check_parameters_of(const W& word) {
  constexpr std::size_t C = 2, n = 37;
  CAPTURE(word.text());
  auto q = make_flow<double>(normal<D> | given<C> | driven<8>(word), 5);
  for (double& p : q.parameters()) p *= 4;
  auto plain = make_flow<double>(normal<D> | word, 1);
  const auto c = contexts_of<C>(1);
  const std::vector<double> outputs = arn<0>(q)(std::span(c));
  // The places of the word that are parameters take the outputs in their order.
  const auto owned = plain.structure();
  std::size_t next = 0;
  for (std::size_t i = 0; i < owned.size(); ++i)
    plain.parameters()[i] = owned[i] != 0 ? outputs.at(next++) : 0;
  REQUIRE(next == outputs.size());

  constexpr auto size = static_cast<std::size_t>(D);
  std::vector<double> y(n * size), expected(n), by_sample(n), by_all(n), all;
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = std::cos(0.7 * static_cast<double>(i));
  for (std::size_t i = 0; i < n; ++i) all.insert(all.end(), c.begin(), c.end());
  auto ws = plain.make_workspace();
  plain.log_prob(rows_of(y.data(), n, D), expected.data(), ws);
  auto memory = q.make_workspace();
  q.log_prob(rows_of(y.data(), n, D), rows_of(all.data(), n, C), by_sample.data(), memory);
  CHECK(by_sample == expected);
  const auto fixed = q.condition(std::span<const double, C>(c.data(), C));
  fixed.log_prob(rows_of(y.data(), n, D), by_all.data(), memory);
  CHECK(by_all == expected);
  // One event, with either kind of context.
  const std::span<const double, size> first(y.data(), size);
  CHECK(q.log_prob(first, std::span<const double, C>(c.data(), C), memory) == expected[0]);
  CHECK(fixed.log_prob(first, memory) == expected[0]);
}

} // namespace

TEST_CASE("driven: the word with the network's outputs as parameters, bit for bit", "[bijectors]") {
  check_parameters_of<3>(planar);
  check_parameters_of<3>(radial);
  check_parameters_of<4>(lower_triangular);
  check_parameters_of<4>(lu);
  check_parameters_of<3>(sylvester);
  check_parameters_of<4>(singular_value<3>);
  check_parameters_of<4>(rotation);
  check_parameters_of<6>(channel_permute<3>.order({2, 0, 1}));
  check_parameters_of<4>(matrix_exponential);
  check_parameters_of<5>(householder<2>);
  check_parameters_of<2>(mixing(shear{}));
}

TEST_CASE("driven: begins near the word without a context", "[bijectors]") {
  auto q = make_flow<double>(normal<2> | given<1> | driven<16>(mixing(shear{})), 2);
  const std::vector<double> c{0.5};
  const auto outputs = arn<0>(q)(std::span(c));
  REQUIRE(outputs.size() == 2);
  CHECK(std::abs(outputs[0] - 0.3) < 0.25); // mean 0.3, deviation 0.1
  CHECK(std::abs(outputs[1]) < 0.1);
}

namespace {

/// Gradients of a weighted sum of values and log-dets by the context, in either direction.
template <int D, class W> void check_context_gradient(const W& word, bool inverse) {
  constexpr int C = 3;
  CAPTURE(driven<6>(word).text(), inverse);
  using T = double;
  using Word = decltype(driven<6>(word));
  constexpr int L = default_lanes<T>;
  using Layer = typename Word::template layer<T, L, D, C>;
  bijou::detail::index_table<D> position{};
  for (int d = 0; d < D; ++d) position[static_cast<std::size_t>(d)] = D - 1 - d;
  Layer layer = driven<6>(word).template make_layer<T, L, D, C>(position);
  layer.set_offset(0, 0);
  const auto rows = [](int n) { return std::vector<T>(static_cast<std::size_t>(n) * L); };
  std::vector<T> theta(static_cast<std::size_t>(layer.parameter_count()));
  int k = 0;
  layer.initialise(theta.data(), [&] { return std::sin(1.7 * ++k); });
  for (T& p : theta) p *= 2;
  layer.clear_corners(theta.data());
  std::vector<T> c = rows(C), x = rows(D), weight = rows(D), by_log_det = rows(1);
  k = 0;
  for (auto* v : {&c, &x, &weight, &by_log_det})
    for (T& e : *v) e = 0.6 * std::cos(0.9 * ++k);
  auto scratch = rows(Layer::scratch_rows), tape = rows(Layer::tape_rows);
  const auto run = [&](std::vector<T>& v, std::vector<T>& log_det) {
    const tile<T> t{theta.data(), c.data(), nullptr, v.data(), log_det.data(), scratch.data(), L};
    inverse ? layer.inverse(t, tape.data()) : layer.forward(t, tape.data());
  };
  const auto loss_of = [&](int lane) {
    std::vector<T> v = x, log_det = rows(1);
    run(v, log_det);
    T sum = by_log_det[static_cast<std::size_t>(lane)] * log_det[static_cast<std::size_t>(lane)];
    for (int d = 0; d < D; ++d)
      sum += weight[static_cast<std::size_t>(d * L + lane)] *
             v[static_cast<std::size_t>(d * L + lane)];
    return sum;
  };
  std::vector<T> v = x, log_det = rows(1), g = weight, g_context = rows(C), gradient(theta.size());
  for (T& e : g_context) e = 0.25; // what is there is added to
  run(v, log_det);
  const cotangent_tile<T> t{theta.data(),     c.data(),        g.data(),       by_log_det.data(),
                            g_context.data(), gradient.data(), scratch.data(), L};
  inverse ? layer.inverse_adjoint(t, tape.data()) : layer.forward_adjoint(t, tape.data());
  for (const int lane : {0, 5, L - 1})
    for (int i = 0; i < C; ++i) {
      T& one = c[static_cast<std::size_t>(i * L + lane)];
      const T before = one, step = 1e-6;
      one = before + step;
      const T above = loss_of(lane);
      one = before - step;
      const T below = loss_of(lane);
      one = before;
      CHECK(near(g_context[static_cast<std::size_t>(i * L + lane)] - 0.25,
                 (above - below) / (2 * step), 1e-7));
    }
}

} // namespace

TEST_CASE("driven: gradients by the context", "[bijectors]") {
  for (const bool inverse : {false, true}) {
    check_context_gradient<3>(planar, inverse);
    check_context_gradient<3>(lower_triangular, inverse);
    check_context_gradient<3>(householder<2>, inverse);
    check_context_gradient<3>(affine, inverse);
    check_context_gradient<3>(singular_value<2>, inverse);
    check_context_gradient<3>(rotation, inverse);
    check_context_gradient<4>(channel_permute<2>.order({1, 0}), inverse);
    check_context_gradient<3>(matrix_exponential, inverse);
  }
}

TEST_CASE("driven: files name the network's tensors", "[bijectors]") {
  auto q = make_flow<double>(normal<3> | given<2> | driven<8, 4>(planar), 5);
  auto other = make_flow<double>(normal<3> | given<2> | driven<8, 4>(planar), 6);
  const auto set = named_parameters(q);
  CHECK(set.has("layers.1.nn.layers.0.weight"));
  CHECK(set.has("layers.1.nn.layers.2.bias"));
  set_named_parameters(other, set);
  CHECK(std::equal(q.parameters().begin(), q.parameters().end(), other.parameters().begin()));
}

TEST_CASE("driven: described with its cost", "[bijectors]") {
  const std::string text = describe(normal<3> | given<2> | driven<8>(planar));
  CHECK_THAT(text, Contains("driven<8>(planar)"));
  CHECK_THAT(text, Contains("inverse by 6 Newton steps"));
  CHECK_THAT(text, Contains("72 ")); // 2 x 8 + 8 x 7 multiply-adds
  CHECK(driven<8, 4>(affine).activation(activations::tanh).text() ==
        "driven<8, 4>(affine).activation(activations::tanh)");
}

/// \file
/// value_and_grad and the calls that accumulate agree with each other and with differences; so do
/// objectives of one's own.

#include <array>

#include "../flow/check.hpp"

using namespace bijou;
using testing::agreed;
using testing::difference_of;

namespace {

constexpr auto expression = normal<2> | maf<5>.activation(activations::tanh) | flip | affine;
constexpr auto conditional = normal<2> | given<1> | maf<5>.activation(activations::tanh);
constexpr std::size_t n = 150;

template <class E> auto perturbed(const E& e) {
  auto q = make_flow<double>(e, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  return q;
}
xt::xtensor<double, 2> values(std::size_t columns, std::uint64_t seed) {
  const auto v = testing::normal_values<double>(n * columns, seed);
  xt::xtensor<double, 2> a(std::array<std::size_t, 2>{n, columns});
  std::copy(v.begin(), v.end(), a.begin());
  return a;
}
template <class Batch> auto memory(const Batch& a) {
  return rows_of<const double>(a.data(), a.shape()[0], static_cast<int>(a.shape()[1]));
}
std::vector<double> plain(const aligned_vector<double>& v) { return {v.begin(), v.end()}; }

/// What a caller might minimise instead: the mean of log q under the flow, with penalties that the
/// noise of a fixed stream makes a function of the parameters.
struct mean_log_q {
  template <class Flow>
  double accumulate(const Flow& q, std::span<double> gradient, workspace<double>& ws) const {
    double value = 0;
    philox stream{9};
    accumulate_sample_gradient(
        q, stream, n,
        [&](const sampled_tile<double>& t) {
          for (int i = 0; i < t.count; ++i) {
            value += t.log_q[i] / n;
            t.log_q_cotangent[i] = 1.0 / n;
          }
        },
        gradient, ws);
    return value;
  }
};

} // namespace

TEST_CASE("value_and_grad of samples is the mean negative log-likelihood", "[training]") {
  auto q = perturbed(expression);
  const auto y = values(2, 5);
  const auto [value, gradient] = value_and_grad(q, y);
  const auto mean = [&] { return -q.log_pdf(y) / n; };
  CHECK(value == Approx(mean()).epsilon(1e-13));
  CHECK(difference_of(plain(gradient), testing::parameter_differences(q, mean), 1e-8) == agreed);
  SECTION("as an objective") {
    const auto same = value_and_grad(q, negative_log_likelihood<double>{{memory(y)}});
    CHECK(same.value == value);
    CHECK(same.gradient == gradient);
  }
  SECTION("accumulated by hand, in two parts") {
    auto ws = q.make_gradient_workspace();
    std::vector<double> g(gradient.size(), 0);
    double sum = 0;
    for (const auto& [first, count] : {std::pair<std::size_t, std::size_t>{0, 64}, {64, n - 64}})
      sum += accumulate_log_prob_gradient(
          q, scored_batch<double>{rows_of(y.data() + 2 * first, count, 2)}, -1.0 / n,
          std::span<double>(g), ws);
    CHECK(sum == Approx(value).epsilon(1e-13));
    CHECK(difference_of(g, plain(gradient), 1e-13) == agreed);
  }
  SECTION("what is there is added to") {
    auto ws = q.make_gradient_workspace();
    std::vector<double> g(gradient.size(), 0);
    const negative_log_likelihood<double> loss{{memory(y)}};
    loss.accumulate(q, std::span<double>(g), ws);
    loss.accumulate(q, std::span<double>(g), ws);
    std::vector<double> twice = plain(gradient);
    for (double& v : twice) v *= 2;
    CHECK(difference_of(g, twice, 1e-14) == agreed);
  }
  SECTION("of a lazy expression and of another layout") {
    CHECK(value_and_grad(q, y * 1.0).gradient == gradient);
    const xt::xtensor<double, 2, xt::layout_type::column_major> columns = y;
    CHECK(value_and_grad(q, columns).gradient == gradient);
  }
}

TEST_CASE("weights weigh samples", "[training]") {
  auto q = perturbed(expression);
  const auto y = values(2, 5);
  auto weights = testing::uniform_values<double>(n, 6, 0, 2);
  weights[3] = 0;
  weights[4] = -0.5;
  double total = 0;
  for (const double w : weights) total += w;
  const auto mean = [&] {
    const auto log_p = q.log_prob(y);
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum -= weights[i] * log_p(i);
    return sum / total;
  };
  const auto g = value_and_grad(q, negative_log_likelihood<double>{{memory(y), {}, weights}});
  CHECK(g.value == Approx(mean()).epsilon(1e-13));
  CHECK(difference_of(plain(g.gradient), testing::parameter_differences(q, mean), 1e-8) == agreed);
}

TEST_CASE("value_and_grad of a conditional flow", "[training]") {
  auto q = perturbed(conditional);
  const auto y = values(2, 5), c = values(1, 6);
  const auto mean = [&] { return -q.log_pdf(y, c) / n; };
  const auto g = value_and_grad(q, y, c);
  CHECK(g.value == Approx(mean()).epsilon(1e-13));
  CHECK(difference_of(plain(g.gradient), testing::parameter_differences(q, mean), 1e-8) == agreed);
}

TEST_CASE("an objective of samples: the stream's noise and the same noise given", "[training]") {
  auto q = perturbed(expression);
  const auto g = value_and_grad(q, mean_log_q{});
  const auto value = [&] {
    philox stream{9};
    double sum = 0;
    for (const double v : q.sample_and_log_prob(stream, n).log_prob) sum += v;
    return sum / n;
  };
  CHECK(g.value == Approx(value()).epsilon(1e-13));
  CHECK(difference_of(plain(g.gradient), testing::parameter_differences(q, value), 1e-8) == agreed);

  // The noise that the stream brings, handed in as memory.
  std::vector<double> noise(2 * n), given(q.parameters().size(), 0);
  for (std::size_t i = 0; i < n; ++i) normal_t<2>::fill(philox{9}, i, noise.data() + 2 * i);
  auto ws = q.make_gradient_workspace();
  accumulate_sample_gradient(
      q, rows_of<const double>(noise.data(), n, 2),
      [](const sampled_tile<double>& t) { std::fill_n(t.log_q_cotangent, t.count, 1.0 / n); },
      std::span<double>(given), ws);
  CHECK(difference_of(given, plain(g.gradient), 1e-14) == agreed);

  philox stream{9};
  std::vector<double> ignored(given.size());
  accumulate_sample_gradient(
      q, stream, 7, [](const auto&) {}, std::span<double>(ignored), ws);
  CHECK(stream.position() == 7);
  for (const double v : ignored) CHECK(v == 0); // cotangents are 0 until set
}

TEST_CASE("a function of samples under a context", "[training]") {
  const auto q = perturbed(conditional);
  const auto c = values(1, 6);
  std::vector<double> noise(2 * n);
  for (std::size_t i = 0; i < n; ++i) normal_t<2>::fill(philox{9}, i, noise.data() + 2 * i);
  auto ws = q.make_gradient_workspace();
  const auto ones = [](const sampled_tile<double>& t) {
    for (int d = 0; d < 2; ++d) std::fill_n(t.cotangent(d), t.count, 1.0);
  };
  std::vector<double> a(q.parameters().size(), 0), b(q.parameters().size(), 0);
  accumulate_sample_gradient(q, rows_of<const double>(noise.data(), n, 2), ones,
                             std::span<double>(a), ws, {}, memory(c));
  philox stream{9};
  accumulate_sample_gradient(q, stream, n, ones, std::span<double>(b), ws, memory(c));
  CHECK(difference_of(a, b, 1e-14) == agreed);
  CHECK(std::any_of(a.begin(), a.end(), [](double v) { return v != 0; }));
}

TEST_CASE("a sample outside the support adds nothing to gradients, and -inf to the value",
          "[training]") {
  const auto q = perturbed(normal<2> | maf<5> | exp_map);
  const xt::xtensor<double, 2> good{{1.0, 2.0}, {0.5, 0.25}};
  const xt::xtensor<double, 2> bad{{1.0, 2.0}, {0.5, -0.25}, {0.5, 0.25}};
  const auto g = value_and_grad(q, good);
  const auto with = value_and_grad(q, bad);
  CHECK(with.value == std::numeric_limits<double>::infinity());
  std::vector<double> scaled = plain(with.gradient);
  for (double& v : scaled) v *= 1.5; // a mean of three, not of two
  CHECK(difference_of(scaled, plain(g.gradient), 1e-14) == agreed);
}

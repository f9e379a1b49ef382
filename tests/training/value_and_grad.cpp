/// \file
/// value_and_grad and the calls that accumulate agree with each other and with differences; so do
/// objectives of one's own.

#include <array>
#include <cmath>
#include <limits>
#include <vector>

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
          q, weighted_batch<double>{rows_of(y.data() + 2 * first, count, 2)}, -1.0 / n,
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

TEMPLATE_TEST_CASE("a sample of weight 0 is absent from value and gradient, whatever it holds",
                   "[training]", float, double) {
  using T = TestType;
  constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T bad[] = {-1, nan, inf, -inf, 0, std::numeric_limits<T>::max(), T(1e30)};
  const auto check = [&](const auto& e, std::size_t count) {
    auto q = make_flow<T>(e, 3);
    testing::perturb(q.parameters(), q.structure(), 17);
    constexpr int C = decltype(q)::context_size;
    auto y = testing::normal_values<T>(2 * count, 5), c = testing::normal_values<T>(count, 6);
    for (T& v : y) v = std::exp(v);
    std::vector<T> weights(count), few_y, few_c, few_weights;
    for (std::size_t i = 0; i < count; ++i) {
      weights[i] = i % 3 == 1 || i + 1 == count ? T(0) : T(1) + static_cast<T>(i % 4);
      if (weights[i] == 0) {
        y[2 * i] = bad[i % 7];
        y[2 * i + 1] = bad[(i / 7 + 1) % 7];
        if (i % 2 == 0) c[i] = i % 4 == 0 ? nan : inf;
      } else {
        few_y.insert(few_y.end(), {y[2 * i], y[2 * i + 1]});
        few_c.push_back(c[i]);
        few_weights.push_back(weights[i]);
      }
    }
    const auto batch = [&](const auto& samples, const auto& context, const auto& w) {
      weighted_batch<T> b{rows_of<const T>(samples.data(), w.size(), 2)};
      if (C > 0) b.context = rows_of<const T>(context.data(), w.size(), 1);
      b.weights = w;
      return b;
    };
    const auto whole = batch(y, c, weights), without = batch(few_y, few_c, few_weights);
    const auto a = value_and_grad(q, negative_log_likelihood<T>{whole});
    const auto b = value_and_grad(q, negative_log_likelihood<T>{without});
    const double tolerance = sizeof(T) == 4 ? 3e-5 : 1e-12;
    CHECK(std::isfinite(a.value));
    CHECK(a.value == Approx(b.value).epsilon(tolerance));
    CHECK(difference_of(std::vector<T>(a.gradient.begin(), a.gradient.end()),
                        std::vector<T>(b.gradient.begin(), b.gradient.end()), tolerance) == agreed);

    // Derivatives by the sample are 0; its log p is what log_prob says.
    auto ws = q.make_gradient_workspace();
    std::vector<T> g(q.parameters().size(), 0), by_samples(2 * count, nan), log_p(count);
    accumulate_log_prob_gradient(q, whole, -0.5, std::span<T>(g), ws,
                                 rows_of(by_samples.data(), count, 2), log_p.data());
    std::vector<T> expected(count);
    if constexpr (C > 0)
      q.log_prob(whole.samples, whole.context, expected.data(), ws);
    else
      q.log_prob(whole.samples, expected.data(), ws);
    for (std::size_t i = 0; i < count; ++i) {
      CHECK((log_p[i] == expected[i] || (std::isnan(log_p[i]) && std::isnan(expected[i]))));
      if (weights[i] == 0) CHECK((by_samples[2 * i] == 0 && by_samples[2 * i + 1] == 0));
    }
  };
  for (const std::size_t count : {2U, 5U, 64U, 300U}) { // the last one is always absent
    check(expression | exp_map, count);
    check(conditional | exp_map, count);
    check(expression | sigmoid_map | inverse(sigmoid_map) | exp_map, count);
  }
}

TEST_CASE("weights that cannot be averaged over", "[training]") {
  const auto q = perturbed(expression);
  const auto y = values(2, 5);
  std::vector<double> weights(n, 0.0);
  const auto call = [&] {
    return value_and_grad(q, negative_log_likelihood<double>{{memory(y), {}, weights}});
  };
  CHECK_THROWS_WITH(call(), Catch::Matchers::Contains(
                                "negative_log_likelihood: expected weights with a positive sum"));
  weights.pop_back();
  CHECK_THROWS_WITH(call(), Catch::Matchers::Contains(
                                "negative_log_likelihood: expected one weight for each of 150"));
}

TEMPLATE_TEST_CASE("only ratios of weights matter, whatever their size", "[training]", float,
                   double) {
  using T = TestType;
  auto q = make_flow<T>(expression, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  const auto y = testing::normal_values<T>(2 * n, 5);
  const auto run = [&](T factor) {
    std::vector<T> weights(n);
    for (std::size_t i = 0; i < n; ++i) weights[i] = factor * static_cast<T>(1 + i % 2);
    return value_and_grad(
        q, negative_log_likelihood<T>{{rows_of<const T>(y.data(), n, 2), {}, weights}});
  };
  const auto one = run(1);
  const T large = std::numeric_limits<T>::max() / 4, small = std::numeric_limits<T>::min() * 16;
  for (const T factor : {large, small}) {
    const auto r = run(factor);
    CHECK(r.value == Approx(one.value).epsilon(sizeof(T) == 4 ? 1e-6 : 1e-13));
    CHECK(difference_of(std::vector<T>(r.gradient.begin(), r.gradient.end()),
                        std::vector<T>(one.gradient.begin(), one.gradient.end()),
                        sizeof(T) == 4 ? 1e-5 : 1e-12) == agreed);
  }
}

TEST_CASE("sums over many samples are taken in double", "[training]") {
  // Equal rows, of which the right sums are multiples: float alone is 0.5 % off after 1e6 of them.
  const std::size_t many = 1'000'000;
  auto q = make_flow<float>(normal<2> | affine, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  const xt::xtensor<float, 2> one = {{0.7f, -1.3f}};
  const xt::xtensor<float, 2> all = xt::ones<float>({many, std::size_t{1}}) * one;
  const double each = q.log_pdf(one);
  CHECK(q.log_pdf(all) == Approx(each * static_cast<double>(many)).epsilon(1e-6));
  const auto single = value_and_grad(q, one), mean = value_and_grad(q, all);
  CHECK(mean.value == Approx(single.value).epsilon(1e-6));
  const auto list = [](const auto& v) { return std::vector<float>(v.begin(), v.end()); };
  CHECK(difference_of(list(mean.gradient), list(single.gradient), 1e-5) == agreed);

  // So do the other objectives: with f = q0 all weights are 1.
  const std::vector<float> log_q0(many, 0.0f), f(many, 1.0f);
  const integrand_batch<float> batch{rows_of<const float>(all.data(), many, 2), f, log_q0};
  const auto kl = value_and_grad(q, forward_kl{batch});
  CHECK(kl.value == Approx(single.value).epsilon(1e-6));
  CHECK(difference_of(list(kl.gradient), list(single.gradient), 1e-5) == agreed);

  const auto target = [](const auto& x) { return 3.0 * x[0] + x[1]; };
  const auto small = value_and_grad(q, elbo(target, {.samples = 1, .noise = philox{4}}));
  CHECK(std::isfinite(small.value));
  // The mean over a million samples is that over its hundred parts.
  philox stream{4};
  std::vector<double> parts(q.parameters().size(), 0);
  auto ws = q.make_gradient_workspace();
  for (int i = 0; i < 100; ++i) {
    std::vector<float> g(parts.size(), 0.0f);
    elbo(target, {.samples = many / 100}).accumulate(q, stream, std::span<float>(g), ws);
    for (std::size_t k = 0; k < g.size(); ++k) parts[k] += static_cast<double>(g[k]) / 100;
  }
  const auto whole = value_and_grad(q, elbo(target, {.samples = many, .noise = philox{4}}));
  CHECK(difference_of(list(whole.gradient), parts, 1e-5) == agreed);
}

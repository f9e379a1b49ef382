/// \file
/// given<C>: every conditioner behind it sees the context; a fixed context gives the same bits.

#include <array>

#include "../flow/check.hpp"

using namespace bijou;
using bijou::testing::agreed;
using bijou::testing::check_expression;
using bijou::testing::make_subject;
using bijou::testing::other_bits;

namespace {
constexpr auto conditional =
    normal<3> | given<2> | iaf<7>.skip() | flip | maf<7> | coupling<5>(affine) | affine;
}

TEST_CASE("a conditional flow: maps, log-dets, gradients, bits", "[bijectors]") {
  check_expression(conditional);
}

TEST_CASE("a standardised context: maps, log-dets, gradients, bits", "[bijectors]") {
  check_expression(normal<3> | given<2>.standardise({0.4, -1}, {2.5, 0.6}) | iaf<7>.skip() | flip |
                   maf<7> | coupling<5>(affine) | affine);
}

TEST_CASE("every sample has a context of its own", "[bijectors]") {
  const auto f = make_subject<double>(conditional);
  const auto x = f.noise(70, 1), context = f.context(70, 2);
  const auto y = f.forward(x, context).values;
  auto other = context;
  other[2 * 33 + 1] += 0.5;
  const auto moved = f.forward(x, other).values;
  for (std::size_t i = 0; i < 70; ++i)
    CHECK(((testing::rows_from(y, i, 1, 3) == testing::rows_from(moved, i, 1, 3)) == (i != 33)));
}

TEMPLATE_TEST_CASE("a fixed context gives the bits of one that comes with each sample",
                   "[bijectors]", float, double) {
  using T = TestType;
  auto q = make_flow<T>(conditional, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  const std::array<T, 2> c{T(0.7), T(-1.3)};
  const auto fixed = q.condition(c);
  for (const std::size_t n : {std::size_t{1}, std::size_t{2}, std::size_t{150}}) {
    const xt::xtensor<T, 2> each = xt::ones<T>({n, std::size_t{1}}) * xt::xtensor<T, 1>{c[0], c[1]};
    const auto x = testing::normal_values<T>(3 * n, 5);
    xt::xtensor<T, 2> noise(std::array<std::size_t, 2>{n, 3});
    std::copy(x.begin(), x.end(), noise.begin());
    const auto [y, log_det] = q.forward(noise, each);
    const auto [y_fixed, log_det_fixed] = fixed.forward(noise);
    CHECK((y == y_fixed));
    CHECK((log_det == log_det_fixed));
    CHECK((q.inverse(y, each).x == fixed.inverse(y).x));
    CHECK((q.log_prob(y, each) == fixed.log_prob(y)));
    CHECK((q.log_prob(y, xt::xtensor<T, 1>{c[0], c[1]}) == fixed.log_prob(y)));
    philox a{9}, b{9}, d{9};
    const auto drawn = q.sample_and_log_prob(a, n, each);
    const auto drawn_fixed = fixed.sample_and_log_prob(b, n);
    CHECK((drawn.samples == drawn_fixed.samples));
    CHECK((drawn.log_prob == drawn_fixed.log_prob));
    CHECK((fixed.sample(d, n) == drawn.samples));
    CHECK((a == b));
    CHECK((q.sample_from(noise, each).samples == fixed.sample_from(noise).samples));
  }
}

TEST_CASE("path only: the context's gradient is without the score at fixed samples",
          "[bijectors]") {
  constexpr int D = 2, C = 3;
  constexpr std::size_t n = 150; // some tiles, the last one not full
  auto q = make_flow<double>(normal<D> | given<C> | iaf<8> | driven<6>(affine), 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  auto ws = q.make_gradient_workspace();
  const auto context = testing::normal_values<double>(n * C, 5);
  const auto rows = rows_of(context.data(), n, C);
  std::vector<double> g(q.parameters().size()), y(n * D), weights(n);
  const auto function = [&](const sampled_tile<double>& t) {
    for (int i = 0; i < t.count; ++i) {
      const std::size_t sample = t.first + static_cast<std::size_t>(i);
      weights[sample] = 0.5 + 0.01 * static_cast<double>(sample);
      t.log_q_cotangent[i] = weights[sample];
      for (int d = 0; d < D; ++d) {
        const double v = t.variable(d)[i];
        y[sample * D + static_cast<std::size_t>(d)] = v;
        t.cotangent(d)[i] = std::cos(v);
      }
    }
  };
  std::vector<double> whole(n * C), path(n * C), score(n * C);
  const auto to = [](std::vector<double>& v) { return rows_of(v.data(), n, C); };
  philox stream{4}, again{4};
  accumulate_sample_gradient(q, stream, n, function, std::span(g), ws, rows, to(whole));
  accumulate_sample_gradient<true>(q, again, n, function, std::span(g), ws, rows, to(path));
  accumulate_log_prob_gradient(q, weighted_batch<double>{rows_of(y.data(), n, D), rows, weights}, 1,
                               std::span(g), ws, {}, nullptr, to(score));
  double largest = 0;
  for (std::size_t i = 0; i < n * C; ++i) {
    CHECK(path[i] == Approx(whole[i] - score[i]).margin(1e-11));
    largest = std::max(largest, std::abs(score[i]));
  }
  CHECK(largest > 0.01);
  CHECK_THROWS_WITH(
      accumulate_sample_gradient(q, stream, n - 1, function, std::span(g), ws,
                                 rows_of(context.data(), n - 1, C), to(whole)),
      Catch::Matchers::Contains("g_context: expected a row for each of 149 samples, got 150"));
}

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

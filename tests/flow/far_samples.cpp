/// \file
/// Samples so far out that the type cannot hold what becomes of them: log p is -inf, gradients are
/// 0, values are infinities.

#include <limits>

#include "check.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {
template <class T> constexpr T inf = std::numeric_limits<T>::infinity();
} // namespace

TEST_CASE("two gates on a far sample", "[flow]") {
  // The noise of (30000, -15000) is (-2.43e63, 34060), so that log p = -2.957e126: in long double
  // and in double alike. No float holds it.
  const auto narrow = make_flow<float>(normal<2> | iaf<4> | flip | iaf<4>, 3);
  const auto wide = make_flow<double>(normal<2> | iaf<4> | flip | iaf<4>, 3);
  const xt::xtensor<double, 1> y{30000, -15000};
  CHECK(wide.log_prob(y) == Approx(-2.957e126).epsilon(1e-3));
  CHECK(narrow.log_prob(y) == -inf<float>);
  const auto x = narrow.inverse(y);
  CHECK(x.x(0) == -inf<float>);
  CHECK(x.x(1) == Approx(34060).epsilon(1e-4));
  CHECK(x.log_det == -inf<float>);

  // In any company, and with it in any place.
  for (const std::size_t n : {std::size_t{3}, std::size_t{200}})
    for (const std::size_t at : {std::size_t{0}, n - 1}) {
      xt::xtensor<float, 2> batch = xt::zeros<float>({n, std::size_t{2}});
      const auto clean = narrow.log_prob(batch);
      batch(at, 0) = 30000;
      batch(at, 1) = -15000;
      const auto log_p = narrow.log_prob(batch);
      for (std::size_t i = 0; i < n; ++i)
        CHECK(same_bits(log_p(i), i == at ? -inf<float> : clean(i)));
    }
}

TEMPLATE_TEST_CASE("a far sample adds nothing to gradients", "[flow]", float, double) {
  using T = TestType;
  const auto f = make_subject<T>(normal<3> | given<2> | iaf<7> | flip | maf<7> | affine);
  const std::size_t n = f.tile + 9;
  const auto context = f.context(n, 4);
  const auto y = f.forward(f.noise(n, 3), context).values;
  const T far = std::numeric_limits<T>::max();
  std::vector<T> weights(n, T(1));
  for (const std::size_t at : {std::size_t{0}, f.tile - 1, f.tile, n - 1}) {
    CAPTURE(at);
    auto spoiled = y;
    for (std::size_t d = 0; d < 3; ++d) spoiled[3 * at + d] = d % 2 ? far : -far;
    auto without = weights;
    without[at] = 0;
    const auto expected = f.log_prob_gradient(y, context, without, T(1));
    const auto g = f.log_prob_gradient(spoiled, context, weights, T(1));
    CHECK(g.log_prob[at] == -inf<T>);
    CHECK(g.value == -std::numeric_limits<double>::infinity());
    CHECK(other_bits(g.by_parameters, expected.by_parameters) == agreed);
    CHECK(other_bits(g.by_inputs, expected.by_inputs) == agreed);
    // Weight 0 is absent, wherever the sample lies.
    const auto absent = f.log_prob_gradient(spoiled, context, without, T(1));
    CHECK(absent.value == expected.value);
    CHECK(other_bits(absent.by_parameters, expected.by_parameters) == agreed);
    spoiled[3 * at + 1] = std::numeric_limits<T>::quiet_NaN();
    const auto no_nan = f.log_prob_gradient(spoiled, context, without, T(1));
    CHECK(no_nan.value == expected.value);
    CHECK(other_bits(no_nan.by_parameters, expected.by_parameters) == agreed);
  }
  // A tile of nothing else.
  const std::vector<T> all_far(y.size(), far);
  const auto g = f.log_prob_gradient(all_far, context, weights, T(1));
  for (const T v : g.by_parameters) CHECK(v == 0);
  for (const T v : g.by_inputs) CHECK(v == 0);
}

TEMPLATE_TEST_CASE("gradients of far samples that the type can hold are kept", "[flow]", float,
                   double) {
  using T = TestType;
  // d log p / dy = -y for the normal distribution itself, shifted by theta[0] = 0.
  auto q = make_flow<T>(normal<1> | affine);
  const T far = sizeof(T) == 4 ? T(0x1p30) : T(0x1p300);
  std::vector<T> gradient(q.parameters().size());
  auto ws = q.make_gradient_workspace();
  const T y[2] = {far, T(1)};
  T g_y[2] = {};
  accumulate_log_prob_gradient(q, weighted_batch<T>{rows_of(&y[0], 2, 1)}, T(1),
                               std::span(gradient), ws, rows_of(&g_y[0], 2, 1));
  CHECK(g_y[0] == -far);
  CHECK(g_y[1] == T(-1));
  CHECK(gradient[0] == far + T(1)); // by the shift: the sum of y
}

TEMPLATE_TEST_CASE("far contexts give finite log p or -inf", "[flow]", float, double) {
  using T = TestType;
  const auto q = make_flow<T>(normal<2> | given<2> | iaf<16> | flip | iaf<16> | flip | maf<16>, 5);
  const xt::xtensor<T, 1> y{T(0.3), T(-0.2)};
  for (const T far : {T(1e4), T(1e19), std::numeric_limits<T>::max(), inf<T>})
    for (const T sign : {T(1), T(-1)}) {
      CAPTURE(far, sign);
      const xt::xtensor<T, 1> context{sign * far, T(1)};
      const T log_p = q.log_prob(y, context);
      CHECK_FALSE(std::isnan(log_p));
      CHECK(same_bits(q.condition(context).log_prob(y), log_p));
      xt::xtensor<T, 2> both = xt::zeros<T>({100, 2});
      both(50, 0) = context(0);
      both(50, 1) = context(1);
      xt::xtensor<T, 2> points = xt::zeros<T>({100, 2});
      points(50, 0) = y(0);
      points(50, 1) = y(1);
      CHECK(same_bits(q.log_prob(points, both)(50), log_p));
    }
  const xt::xtensor<T, 1> nan{std::numeric_limits<T>::quiet_NaN(), T(1)};
  CHECK(std::isnan(q.log_prob(y, nan)));
  CHECK(std::isnan(q.condition(nan).log_prob(y)));
  philox stream{1};
  CHECK(std::isnan(q.sample_and_log_prob(stream, 1, nan).log_prob(0)));
}

TEST_CASE("a trained flow scores ordinary and far points without NaN", "[flow]") {
  // Five words trained on a narrow, bent density stretch what lies beside it by more than a float,
  // and now and then a double, can hold.
  philox stream{7};
  xt::xtensor<double, 2> y = make_flow<double>(normal<2>).sample(stream, 2000);
  for (std::size_t i = 0; i < 2000; ++i) y(i, 1) = y(i, 0) * y(i, 0) + 0.01 * y(i, 1);
  const auto check = [&]<class T>(T) {
    auto q = make_flow<T>(
        normal<2> | iaf<32> | flip | iaf<32> | flip | iaf<32> | flip | iaf<32> | flip | iaf<32>, 3);
    fit_options options;
    options.epochs = 20;
    fit(q, xt::xtensor<T, 2>(y), options);
    philox points{9};
    for (const T scale : {T(1), T(3), T(1000)}) {
      const xt::xtensor<T, 2> at = scale * make_flow<T>(normal<2>).sample(points, 5000);
      const auto log_p = q.log_prob(at);
      const auto x = q.inverse(at);
      int lost = 0;
      for (std::size_t i = 0; i < 5000; ++i) {
        lost += log_p(i) == -inf<T>;
        REQUIRE_FALSE(std::isnan(log_p(i)));
        REQUIRE_FALSE((std::isnan(x.x(i, 0)) || std::isnan(x.x(i, 1)) || std::isnan(x.log_det(i))));
      }
      if (sizeof(T) == 4 && scale == T(3)) CHECK(lost > 0); // else this test shows nothing
      const auto g = value_and_grad(q, at);
      for (const T v : g.gradient) REQUIRE(std::isfinite(v));
    }
  };
  check(float{});
  check(double{});
}

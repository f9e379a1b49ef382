/// \file
/// Words inverted by solving, planar, radial and sylvester: both directions, log-dets and
/// gradients, the border of invertibility, extreme and invalid inputs, training on given points.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "../flow/check.hpp"
#include "../support/allocation_counter.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {

/// Planar parameters with w = (1, 0), u = (along, across): w.u^ = softplus(along) - 1.
template <class T> void set_planar(subject<T>& f, T along, T across) {
  const std::vector<T> theta{along, across, 1, 0, 0};
  std::copy(theta.begin(), theta.end(), f.parameters.begin());
}

} // namespace

TEST_CASE("solved inverses turned round sample by solving", "[bijectors]") {
  check_expression(normal<3> | inverse(planar | radial | sylvester), {.perturbation = 0.7F});
}
TEST_CASE("solved inverses among others, with a context", "[bijectors]") {
  check_expression(normal<3> | given<2> | planar | iaf<8> | radial | flip | inverse(planar) |
                   affine | sylvester | exp_map);
}
TEST_CASE("solved inverses: one spoiled sample leaves the others", "[bijectors]") {
  check_isolation(make_subject<double>(normal<3> | planar | radial));
  check_isolation(make_subject<float>(normal<3> | sylvester | iaf<8>));
}

TEMPLATE_TEST_CASE("solved inverses: log_det is minus forward's", "[bijectors]", float, double) {
  using T = TestType;
  const auto check = [](const auto& expression) {
    const auto f = make_subject<T, wants::evaluation>(expression, 0.7F);
    const auto y = f.forward(f.noise(71, 3), {});
    const auto x = f.inverse(y.values, {});
    const auto forward = f.forward(x.values, {});
    for (std::size_t i = 0; i < x.log_det.size(); ++i)
      CHECK(near(x.log_det[i], -forward.log_det[i], 100 * std::numeric_limits<T>::epsilon()));
  };
  check(normal<2> | planar);
  check(normal<2> | radial);
  check(normal<3> | sylvester);
}

TEMPLATE_TEST_CASE("planar solved for: near the border of invertibility", "[bijectors]", float,
                   double) {
  using T = TestType;
  auto f = make_subject<T>(normal<2> | planar);
  constexpr T unit = std::numeric_limits<T>::epsilon();
  const std::vector<T> x{0, 1, T(1e-3), 0, T(-0.02), -1, T(0.3), 2, -2, 0, 7, T(-0.1)};
  for (const T along : {T(-2), T(-5), T(-10), T(-40), T(-80)}) {
    CAPTURE(along);
    set_planar(f, along, T(0.5));
    const auto y = f.forward(x, {});
    const auto back = f.inverse(y.values, {});
    const T stretch = math::softplus(along);
    for (std::size_t i = 0; i < x.size(); i += 2) {
      CAPTURE(i);
      // y = x + u^ tanh x cancels, and u^ a sum of terms as large as u: what the map itself has
      // rounded away is lost.
      const T t = std::tanh(x[i]), slope = t * t + (1 - t * t) * stretch;
      const T lost =
          std::min(unit * (1 - along) * std::abs(x[i]) / slope, std::cbrt((1 - along) * unit));
      CHECK(near(back.values[i], x[i], lost + 2 * unit * std::abs(x[i])));
      CHECK(near(back.values[i + 1], x[i + 1], lost + 4 * unit));
      CHECK(std::isfinite(back.log_det[i / 2]));
    }
    const auto g = f.log_prob_gradient(y.values, {}, std::vector<T>(6, T(1)), T(1));
    for (const T v : g.log_prob) CHECK(std::isfinite(v));
  }
}

TEST_CASE("planar solved for: gradients where the map nearly folds", "[bijectors]") {
  auto f = make_subject<double>(normal<2> | planar);
  set_planar(f, -3.0, 0.4); // 1 + w.u^ = 0.05
  check_round_trip(f, f.noise(20, 5), {}, 1e-12);
  check_gradients(f, f.noise(4, 5), {}, 1e-5);
}

TEMPLATE_TEST_CASE("solved inverses: far away the maps are shifts", "[bijectors]", float, double) {
  using T = TestType;
  const auto check = [](const auto& f, std::size_t columns) {
    constexpr T inf = std::numeric_limits<T>::infinity();
    for (const T far : {T(1e9), T(1e30)})
      for (const T sign : {T(-1), T(1)}) {
        CAPTURE(far, sign);
        std::vector<T> y(columns, sign * far);
        y.back() = T(0.5);
        const auto x = f.inverse(y, {});
        CHECK(near(x.values[0], y[0], 1e-6 * far));
        CHECK(std::isfinite(x.log_det[0]));
        CHECK(f.log_prob(y, {})[0] < T(-1e17));
      }
    // An infinity is no point of the line: it is far away, or not a number, in its sample.
    const auto x = f.inverse(std::vector<T>(columns, inf), {});
    for (const T v : x.values) CHECK_FALSE(std::isfinite(v));
    const T p = f.log_prob(std::vector<T>(columns, inf), {})[0];
    CHECK((std::isnan(p) || p == -inf));
  };
  check(make_subject<T>(normal<2> | planar), 2);
  check(make_subject<T>(normal<2> | radial), 2);
  check(make_subject<T>(normal<3> | sylvester), 3);
}

TEMPLATE_TEST_CASE("radial solved for: the centre and extreme parameters", "[bijectors]", float,
                   double) {
  using T = TestType;
  auto f = make_subject<T>(normal<2> | radial);
  const std::vector<T> y{0.5, -2, 1, -1, T(1e4), T(1e4), T(-1e15), 3};
  for (const T alpha : {T(-40), T(0), T(300)})
    for (const T beta : {T(-40), T(0), T(300)}) {
      CAPTURE(alpha, beta);
      const std::vector<T> theta{T(0.5), -2, alpha, beta};
      std::copy(theta.begin(), theta.end(), f.parameters.begin());
      const auto x = f.inverse(y, {});
      CHECK(x.values[0] == T(0.5));
      CHECK(x.values[1] == T(-2));
      for (const T v : x.log_det) CHECK(std::isfinite(v));
      const auto again = f.forward(x.values, {}).values;
      // As well as x can say it: near the centre a rounding of x may be a long way of y.
      for (std::size_t i = 0; i < y.size(); ++i) {
        const T stretch = std::exp(-x.log_det[i / 2]);
        const T scale = std::max(std::abs(y[i - i % 2]), std::abs(y[i - i % 2 + 1]));
        CHECK(near(again[i], y[i], 10 * std::numeric_limits<T>::epsilon() * (1 + stretch) * scale));
      }
      const auto g = f.log_prob_gradient(y, {}, {1, 1, 1, 1}, T(1));
      for (const T v : g.by_inputs) CHECK(std::isfinite(v));
      for (const T v : g.by_parameters) CHECK(std::isfinite(v));
    }
}

TEST_CASE("sylvester solved for: where the map nearly folds", "[bijectors]") {
  for (const float scale : {0.1F, 1.0F, 2.0F}) {
    CAPTURE(scale);
    const auto f = make_subject<double>(normal<3> | sylvester, scale);
    const auto x = f.noise(50, 3);
    check_round_trip(f, x, {}, 1e-9);
    check_log_det(f, f.noise(3, 3), {}, 1e-5);
  }
}

TEMPLATE_TEST_CASE("solved inverses: nothing is allocated", "[bijectors]", float, double) {
  using T = TestType;
  constexpr std::size_t n = 100;
  const auto q = make_flow<T>(normal<3> | planar | radial | sylvester, 3);
  auto ws = q.make_gradient_workspace();
  const auto y = normal_values<T>(n * 3, 3);
  std::vector<T> x(n * 3), per_sample(n), gradient(q.parameters().size());
  std::array<T, 3> event{T(0.5), T(0.25), T(0.75)};
  const auto points = rows_of<const T>(y.data(), n, 3);
  CHECK(allocations_in(
            [&] { q.inverse(points, rows_of(x.data(), n, 3), per_sample.data(), ws); }) == 0);
  CHECK(allocations_in([&] { per_sample[0] = q.log_prob(std::span<const T, 3>(event), ws); }) == 0);
  CHECK(allocations_in([&] {
          accumulate_log_prob_gradient(q, weighted_batch<T>{points}, T(1), std::span(gradient), ws,
                                       rows_of(x.data(), n, 3), per_sample.data());
        }) == 0);
}

TEST_CASE("solved inverses: text, parameters and description", "[bijectors]") {
  const auto q = make_flow<float>(normal<5> | sylvester.reflections<2>() | inverse(planar));
  CHECK(q.text() == "normal<5> | sylvester.reflections<2>() | inverse(planar)");
  const auto set = named_parameters(q);
  CHECK(set.values.size() == 6 + 3);
  CHECK(set.values.back().name == "layers.1.bias");
  CHECK_THAT(describe(normal<3> | planar),
             !Catch::Matchers::Contains("none") && Catch::Matchers::Contains("7 parameters"));
  CHECK_THAT(describe(normal<3> | planar | planar | inverse(sylvester)),
             Catch::Matchers::Contains("\nplanar: inverse by 6 Newton steps, 10 where") &&
                 Catch::Matchers::Contains("\ninverse(sylvester): forward by 6 Newton steps for"));
  CHECK_THAT(describe(normal<3> | radial), !Catch::Matchers::Contains("Newton"));
  using turned_twice = decltype(inverse(inverse(planar)));
  CHECK(std::is_same_v<turned_twice, std::remove_const_t<decltype(planar)>>);
}

TEST_CASE("solved inverses have path-only gradients", "[bijectors]") {
  // The full gradient without the score of fixed samples, which needs the inverse.
  constexpr std::size_t n = 133;
  auto q = make_flow<double>(normal<3> | planar | radial | sylvester, 1);
  perturb(q.parameters(), q.structure(), 17, 0.5F);
  const auto target = [](const auto& x) { return -0.5 * (x[0] * x[0] + 2.0 * x[1] * x[1]); };
  const elbo_options options{.samples = n, .noise = philox{4}};
  philox stream{4};
  const auto full = value_and_grad(q, elbo(target, options));
  const auto path = value_and_grad(q, elbo(path_only(target), options));
  const auto score = value_and_grad(q, q.sample(stream, n)); // of -log q, a mean too
  for (std::size_t i = 0; i < full.gradient.size(); ++i)
    CHECK(near(path.gradient[i], full.gradient[i] + score.gradient[i], 1e-10));
}

TEST_CASE("solved inverses are fitted to given points", "[bijectors]") {
  // Two clusters, at (-2, 0) and (2, 0): entropy log 2 + D/2 log(2 pi e) + log 0.5^2 = 2.14 nats,
  // less the little that they overlap.
  constexpr std::size_t n = 4000;
  xt::xtensor<double, 2> y({n, 2});
  const auto noise = normal_values<double>(n * 2, 8);
  for (std::size_t i = 0; i < n; ++i) {
    y(i, 0) = 0.5 * noise[2 * i] + (i % 2 == 0 ? -2 : 2);
    y(i, 1) = 0.5 * noise[2 * i + 1];
  }
  auto gaussian = make_flow<double>(normal<2> | affine, 1);
  auto q = make_flow<double>(normal<2> | planar | planar | planar | planar | affine, 1);
  const fit_options options{.epochs = 60, .optimizer = {.learning_rate = 0.02}};
  fit(gaussian, y, options);
  fit(q, y, options);
  const auto mean_score = [&](const auto& flow) {
    double sum = 0;
    for (const double p : flow.log_prob(y)) sum += p;
    return sum / n;
  };
  CAPTURE(mean_score(gaussian), mean_score(q));
  CHECK(mean_score(q) > mean_score(gaussian) + 0.5);
  CHECK(mean_score(q) > -2.25);
}

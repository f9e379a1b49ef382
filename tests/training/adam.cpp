#include <bijou/training/adam.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "../catch.hpp"

using namespace bijou;

namespace {

template <class T> std::span<const T> view(const std::vector<T>& v) { return v; }

template <class T> struct sequence {
  adam_options options;
  double expected[4][3];
};

// Derived with plain double arithmetic from the papers' algorithms: four gradients from one start.
constexpr double gradients[4][3] = {
    {0.5, -1.0, 0.0}, {0.25, 2.0, 0.0}, {-1.5, 0.5, 0.0}, {0.125, -0.25, 0.0}};

template <class T> void follow(const sequence<T>& s) {
  std::vector<T> p{T(1), T(-2), T(3)};
  adam<T> optimizer(3, s.options);
  for (int t = 0; t < 4; ++t) {
    const std::vector<T> g(gradients[t], gradients[t] + 3);
    optimizer.step(p, view(g));
    for (std::size_t i = 0; i < 3; ++i)
      CHECK(static_cast<double>(p[i]) ==
            Approx(s.expected[t][i]).epsilon(16.0 * std::numeric_limits<T>::epsilon()));
  }
  CHECK(optimizer.steps() == 4);
}

} // namespace

TEMPLATE_TEST_CASE("adam follows the paper's sequence", "[training]", float, double) {
  follow<TestType>({{.learning_rate = 0.1},
                    {{0.90000000199999997, -1.900000001, 3},
                     {0.80678204047746238, -1.9366103534720749, 3},
                     {0.84150439079818218, -1.9781754731467738, 3},
                     {0.86533358051242637, -2.0057118875758366, 3}}});
}

TEMPLATE_TEST_CASE("adam decays weights apart from the gradient", "[training]", float, double) {
  follow<TestType>({{.learning_rate = 0.1, .weight_decay = 0.05},
                    {{0.89500000199999996, -1.890000001, 2.9849999999999999},
                     {0.79730704046746237, -1.9171603534670749, 2.970075},
                     {0.82804285558584489, -1.9491396713744384, 2.955224625},
                     {0.84773183102215988, -1.9669303874466291, 2.9404485018750002}}});
}

TEMPLATE_TEST_CASE("adam clips the gradient's norm", "[training]", float, double) {
  follow<TestType>(
      {{.learning_rate = 0.1, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .max_norm = 1},
       {{0.90022310791328952, -1.9001116785384731, 3},
        {0.81799949283421458, -1.9163485331105308, 3},
        {0.85519455413853696, -1.9443841012189216, 3},
        {0.87582904161977959, -1.9532996874465614, 3}}});
}

TEMPLATE_TEST_CASE("adam decays weights by the scheduled rate", "[training]", float, double) {
  // Without a gradient, nothing but decay moves: each step multiplies by 1 - factor * rate * decay.
  std::vector<TestType> p{1, -2}, g{0, 0};
  adam<TestType> optimizer(2, {.learning_rate = 0.1, .weight_decay = 0.5});
  double expected = 1;
  for (const double factor : {1.0, 0.25, 0.0, 2.0}) {
    optimizer.step(p, view(g), factor);
    expected *= 1 - factor * 0.1 * 0.5;
    CHECK(static_cast<double>(p[0]) ==
          Approx(expected).epsilon(8.0 * std::numeric_limits<TestType>::epsilon()));
    CHECK(p[1] == -2 * p[0]);
  }
  // And beside a gradient: the same step as without decay, from parameters that have shrunk.
  std::vector<TestType> a{1, -2}, b{1, -2};
  adam<TestType> with(2, {.learning_rate = 0.1, .weight_decay = 0.5}),
      without(2, {.learning_rate = 0.1});
  for (int t = 0; t < 4; ++t) {
    g = {static_cast<TestType>(gradients[t][0]), static_cast<TestType>(gradients[t][1])};
    const double factor = 1 - 0.2 * t;
    const auto start = a;
    b = a;
    with.step(a, view(g), factor);
    without.step(b, view(g), factor);
    for (std::size_t i = 0; i < 2; ++i)
      CHECK(static_cast<double>(b[i]) - static_cast<double>(a[i]) ==
            Approx(factor * 0.1 * 0.5 * static_cast<double>(start[i])).epsilon(1e-4));
  }
}

TEMPLATE_TEST_CASE("adam's norm is right for every length and adds in a fixed order", "[training]",
                   float, double) {
  std::mt19937 generator(3);
  std::normal_distribution<double> normal;
  for (std::size_t n = 0; n < 70; ++n) {
    std::vector<TestType> g(n);
    for (auto& x : g) x = static_cast<TestType>(normal(generator));
    double sums[16] = {};
    for (std::size_t i = 0; i < n; ++i) {
      const volatile double square = static_cast<double>(g[i]) * static_cast<double>(g[i]);
      sums[i % 16] += square;
    }
    double sum = 0;
    for (const double s : sums) sum += s;
    CHECK(gradient_norm(view(g)) == std::sqrt(sum)); // bit for bit, on any instruction set
  }
  CHECK(gradient_norm(std::span<const float>(std::vector<float>(3, 1e30f))) ==
        Approx(std::sqrt(3.0) * 1e30)); // no overflow for float
  // Nor where squares leave double: 3, 4, 12 have the norm 13.
  for (const double unit : {1e-310, 1e-200, 1e-160, 1e-130, 1e130, 1e160, 1e200, 1e306}) {
    const std::vector<double> g{3 * unit, 0, 4 * unit, -12 * unit};
    CHECK(gradient_norm(view(g)) == Approx(13 * unit).epsilon(1e-13));
  }
  CHECK(gradient_norm(std::span<const double>(std::vector<double>(5, 0.0))) == 0);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()})
    CHECK_FALSE(std::isfinite(gradient_norm(std::span<const double>(std::vector<double>{1, bad}))));
}

TEMPLATE_TEST_CASE("adam goes on after a gradient whose square does not fit", "[training]", float,
                   double) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto huge = static_cast<TestType>(std::sqrt(std::numeric_limits<TestType>::max())) * 16;
  std::vector<TestType> p{1, 1}, g{huge, 0};
  adam<TestType> optimizer(2, {.learning_rate = 0.1, .beta2 = 0.5, .max_norm = infinity});
  optimizer.step(p, view(g));
  CHECK(static_cast<double>(p[0]) == Approx(0.9)); // the first step is the rate, whatever the size
  for (const TestType v : optimizer.second_moment()) CHECK(std::isfinite(v));
}

TEMPLATE_TEST_CASE("adam gives an element the same bits wherever it stands", "[training]", float,
                   double) {
  std::mt19937 generator(5);
  std::normal_distribution<double> normal;
  constexpr std::size_t n = 37;
  std::vector<TestType> whole(n), g(n);
  for (auto& x : whole) x = static_cast<TestType>(normal(generator));
  std::vector<TestType> apart = whole;
  adam<TestType> all(n, {.learning_rate = 0.01, .weight_decay = 0.1});
  std::vector<adam<TestType>> single(n, adam<TestType>(1, all.options()));
  for (int t = 0; t < 5; ++t) {
    for (auto& x : g) x = static_cast<TestType>(normal(generator));
    all.step(whole, view(g));
    for (std::size_t i = 0; i < n; ++i)
      single[i].step(std::span(&apart[i], 1), std::span<const TestType>(&g[i], 1));
  }
  CHECK(whole == apart);
}

TEMPLATE_TEST_CASE("adam leaves zeros with zero gradients exactly zero", "[training]", float,
                   double) {
  std::vector<TestType> p(20, TestType(0)), g(20, TestType(0));
  p[3] = 1;
  adam<TestType> optimizer(20, {.learning_rate = 0.5, .weight_decay = 0.1, .max_norm = 1e-3});
  for (int t = 0; t < 10; ++t) {
    g[3] = static_cast<TestType>(t);
    optimizer.step(p, view(g));
  }
  for (std::size_t i = 0; i < 20; ++i) CHECK((i == 3 || p[i] == 0));
}

TEMPLATE_TEST_CASE("adam finds the minimum of a quadratic", "[training]", float, double) {
  // Condition number 1e4; Adam does not see the scale of a coordinate.
  std::vector<TestType> p{3, -2, 5, 1, -4}, g(5);
  const double curvature[5] = {1, 10, 100, 1e3, 1e4};
  adam<TestType> optimizer(5, {.learning_rate = 0.1});
  constexpr int steps = 2000;
  for (int t = 0; t < steps; ++t) {
    for (std::size_t i = 0; i < 5; ++i)
      g[i] = static_cast<TestType>(curvature[i] * (static_cast<double>(p[i]) - 1));
    optimizer.step(p, view(g), 1 - t / double(steps));
  }
  for (const TestType x : p) CHECK(static_cast<double>(x) == Approx(1).margin(1e-4));
}

TEMPLATE_TEST_CASE("adam refuses a gradient that is not finite and changes nothing", "[training]",
                   float, double) {
  std::vector<TestType> p{1, 2, 3}, g{1, 1, 1};
  adam<TestType> optimizer(3);
  optimizer.step(p, view(g));
  const auto parameters = p;
  const std::vector<TestType> first(optimizer.first_moment().begin(),
                                    optimizer.first_moment().end());
  for (const TestType bad :
       {std::numeric_limits<TestType>::quiet_NaN(), std::numeric_limits<TestType>::infinity()}) {
    g[1] = bad;
    CHECK_FALSE(std::isfinite(optimizer.step(p, view(g))));
    CHECK(p == parameters);
    CHECK(std::equal(first.begin(), first.end(), optimizer.first_moment().begin()));
    CHECK(optimizer.steps() == 1);
  }
}

TEMPLATE_TEST_CASE("adam resumes from a saved state with the same bits", "[training]", float,
                   double) {
  std::vector<TestType> p{1, 2, 3, 4, 5}, g{1, -1, 2, TestType(0.5), 3};
  adam<TestType> straight(5, {.learning_rate = 0.1});
  for (int t = 0; t < 3; ++t) straight.step(p, view(g));
  auto q = p;
  adam<TestType> resumed(5, straight.options());
  resumed.resume(straight.steps(), straight.first_moment(), straight.second_moment());
  for (int t = 0; t < 3; ++t) {
    straight.step(p, view(g));
    resumed.step(q, view(g));
  }
  CHECK(p == q);
}

TEST_CASE("adam says what is wrong with its options and spans", "[training]") {
  CHECK_THROWS_WITH(adam<float>(2, {.beta1 = 1}),
                    Catch::Matchers::StartsWith("adam: expected 0 <= beta1 < 1, got 1"));
  CHECK_THROWS_AS(adam<float>(2, {.max_norm = 0}), std::invalid_argument);
  CHECK_THROWS_AS(adam<float>(2, {.beta1 = 1}), std::invalid_argument);
  CHECK_THROWS_AS(adam<float>(2, {.beta2 = 1}), std::invalid_argument);
  CHECK_THROWS_AS(adam<float>(2, {.learning_rate = std::nan("")}), std::invalid_argument);
  const double infinity = std::numeric_limits<double>::infinity();
  for (const adam_options& o :
       {adam_options{.learning_rate = infinity}, adam_options{.epsilon = infinity},
        adam_options{.weight_decay = infinity}, adam_options{.max_norm = std::nan("")}})
    CHECK_THROWS_AS(adam<double>(2, o), std::invalid_argument);
  // 0 in float: a parameter without gradients would become 0 / 0.
  CHECK_THROWS_WITH(adam<float>(2, {.epsilon = 1e-46}),
                    "adam: expected an epsilon > 0 that float can hold, got 1e-46");
  CHECK_NOTHROW(adam<double>(2, {.epsilon = 1e-46}));
  adam<float> optimizer(2);
  std::vector<float> two(2), three(3);
  CHECK_THROWS_WITH(optimizer.step(three, two), "adam: expected parameters of size 2, got 3");
  CHECK_THROWS_WITH(optimizer.step(two, three), "adam: expected gradient of size 2, got 3");
  CHECK_THROWS_AS(optimizer.resume(-1, two, two), std::invalid_argument);
}

/// \file
/// Points outside the support have log_prob -inf in any company, and add nothing to gradients.

#include <limits>

#include "check.hpp"

using namespace bijou;
using testing::make_subject;

TEMPLATE_TEST_CASE("points outside the support have log_prob -inf, in any company", "[flow]", float,
                   double) {
  using T = TestType;
  constexpr T inf = std::numeric_limits<T>::infinity();
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  // Supports: half-line, unit interval, line; flip puts them in this order.
  const auto f =
      make_subject<T>(normal<3> | given<2> | iaf<7> | on<2>(exp_map) | on<1>(sigmoid_map) | flip);
  const auto context = f.context(100, 4);
  const std::vector<T> weights(100, T(1));
  const auto inside = f.forward(f.noise(100, 3), context).values;
  const auto clean = f.log_prob(inside, context);
  for (const T p : clean) CHECK(std::isfinite(p));
  struct point {
    std::size_t variable;
    T value, log_prob;
  };
  const auto tiny = std::numeric_limits<T>::denorm_min();
  for (const point& e :
       {point{0, T(-1), -inf}, point{0, T(0), -inf}, point{0, -tiny, -inf}, point{0, -inf, -inf},
        point{1, T(1.0001), -inf}, point{1, T(-0.1), -inf}, point{1, inf, -inf},
        point{1, -inf, -inf}, point{0, nan, nan}, point{1, nan, nan}, point{2, nan, nan}}) {
    for (const std::size_t s : {std::size_t{0}, std::size_t{50}, std::size_t{99}}) {
      CAPTURE(e.variable, e.value, s);
      auto y = inside;
      y[3 * s + e.variable] = e.value;
      const auto c = testing::rows_from(context, s, 1, 2);
      CHECK(testing::same_bits(f.log_prob(testing::rows_from(y, s, 1, 3), c)[0], e.log_prob));
      auto expected = clean;
      expected[s] = e.log_prob;
      CHECK(testing::other_bits(f.log_prob(y, context), expected) == testing::agreed);
      if (std::isnan(e.value)) continue;
      // It adds nothing to any gradient.
      const auto g = f.log_prob_gradient(y, context, weights, T(1));
      auto without = weights;
      without[s] = 0;
      const auto g_without = f.log_prob_gradient(inside, context, without, T(1));
      CHECK(g.by_parameters == g_without.by_parameters);
      for (std::size_t d = 0; d < 3; ++d) CHECK(g.by_inputs[3 * s + d] == 0);
      CHECK(testing::other_bits(g.log_prob, expected) == testing::agreed);
    }
  }
}

TEMPLATE_TEST_CASE("a NaN beside a value outside the support is a NaN", "[flow]", float, double) {
  using T = TestType;
  const auto f = make_subject<T, testing::wants::evaluation>(normal<2> | exp_map);
  CHECK(std::isnan(f.log_prob({T(-1), std::numeric_limits<T>::quiet_NaN()}, {})[0]));
}

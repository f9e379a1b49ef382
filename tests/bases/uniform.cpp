/// \file
/// uniform<D>: 1 on the closed unit box, 0 outside.

#include <cmath>
#include <limits>

#include "../flow/check.hpp"

using namespace bijou;

TEMPLATE_TEST_CASE("the density of uniform<D>", "[bases]", float, double) {
  using T = TestType;
  const auto f = testing::make_subject<T>(uniform<2>);
  constexpr T inf = std::numeric_limits<T>::infinity();
  const T above_one = std::nextafter(T(1), inf), below_zero = -std::numeric_limits<T>::denorm_min();
  // Each row alone, and all of them in one batch.
  const std::vector<std::pair<std::vector<T>, T>> cases{
      {{T(0.25), T(0.5)}, T(0)},   {{T(0), T(1)}, T(0)},         {{T(1), T(0)}, T(0)},
      {{above_one, T(0.5)}, -inf}, {{T(0.5), below_zero}, -inf}, {{-inf, inf}, -inf}};
  std::vector<T> all;
  for (const auto& [y, expected] : cases) {
    CHECK(f.log_prob(y, {})[0] == expected);
    all.insert(all.end(), y.begin(), y.end());
  }
  const auto together = f.log_prob(all, {});
  for (std::size_t i = 0; i < cases.size(); ++i) CHECK(together[i] == cases[i].second);
  CHECK(std::isnan(f.log_prob({T(0.5), std::numeric_limits<T>::quiet_NaN()}, {})[0]));
}

TEST_CASE("a flow of no words on the box: gradients, bits, isolation", "[bases]") {
  testing::check_double(uniform<2>);
  testing::check_isolation(testing::make_subject<double>(uniform<2>));
}

/// \file
/// normal<D>: its density, its score, and that a flow of no words is it.

#include <cmath>
#include <limits>
#include <numbers>

#include "../flow/check.hpp"

using namespace bijou;

TEMPLATE_TEST_CASE("the density of normal<D>", "[bases]", float, double) {
  using T = TestType;
  const auto q = make_flow<T>(normal<3>);
  const auto f = testing::make_subject<T>(normal<3>);
  const auto y = f.noise(200, 1);
  const auto lp = f.log_prob(y, {});
  for (std::size_t i = 0; i < 200; ++i) {
    double exact = -1.5 * std::log(2 * std::numbers::pi);
    for (std::size_t d = 0; d < 3; ++d) exact -= 0.5 * std::pow(double{y[3 * i + d]}, 2);
    CHECK(testing::is_close<T>(double{lp[i]}, exact));
  }
  // -3/2 log(2 pi), to the last digit or two.
  const double peak = double{f.log_prob({0, 0, 0}, {})[0]};
  CHECK(peak == Approx(-2.7568155996140185).epsilon(2 * std::numeric_limits<T>::epsilon()));
  CHECK(q.num_parameters() == 0);
  CHECK(q.text() == "normal<3>");
}

TEST_CASE("a flow of no words: gradients, bits, isolation", "[bases]") {
  testing::check_double(normal<3>);
  testing::check_isolation(testing::make_subject<double>(normal<3>));
}

TEST_CASE("the normal has all of the line", "[bases]") {
  const auto f = testing::make_subject<double>(normal<1>);
  constexpr double inf = std::numeric_limits<double>::infinity();
  CHECK(f.log_prob({1e200}, {})[0] == -inf);
  CHECK(f.log_prob({inf}, {})[0] == -inf);
  CHECK(f.log_prob({-inf}, {})[0] == -inf);
  CHECK(std::isnan(f.log_prob({std::nan("")}, {})[0]));
}

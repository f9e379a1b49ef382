/// \file
/// box<D>(low, high): its volume, its ends, and the words that lead from it to the line.

#include <cmath>
#include <limits>
#include <stdexcept>

#include "../flow/check.hpp"

using namespace bijou;

TEMPLATE_TEST_CASE("the density of box<D>", "[bases]", float, double) {
  using T = TestType;
  constexpr T inf = std::numeric_limits<T>::infinity();
  const auto f = testing::make_subject<T>(box<2>({-3, 0.5}, {5, 0.75}));
  const T log_p = -std::log(T(2)); // the volume is 8 / 4
  const auto beyond = [](T v) { return std::nextafter(v, v < T(0.6) ? -inf : inf); };
  const std::vector<std::pair<std::vector<T>, T>> cases{{{T(0), T(0.7)}, log_p},
                                                        {{T(-3), T(0.5)}, log_p},
                                                        {{T(5), T(0.75)}, log_p},
                                                        {{beyond(T(-3)), T(0.5)}, -inf},
                                                        {{beyond(T(5)), T(0.5)}, -inf},
                                                        {{T(0), beyond(T(0.5))}, -inf},
                                                        {{T(0), beyond(T(0.75))}, -inf},
                                                        {{inf, T(0.6)}, -inf},
                                                        {{T(0), -inf}, -inf}};
  std::vector<T> all;
  const auto check = [](T actual, T expected) {
    CHECK(testing::near(actual, expected, 2 * std::numeric_limits<T>::epsilon()));
  };
  for (const auto& [y, expected] : cases) {
    check(f.log_prob(y, {})[0], expected);
    check(f.sample_from(y, {}).log_det[0], expected); // given noise, too
    all.insert(all.end(), y.begin(), y.end());
  }
  const auto together = f.log_prob(all, {});
  for (std::size_t i = 0; i < cases.size(); ++i) check(together[i], cases[i].second);
  CHECK(std::isnan(f.log_prob({T(0), std::numeric_limits<T>::quiet_NaN()}, {})[0]));
}

TEMPLATE_TEST_CASE("box: the same ends for all variables, and volumes far from 1", "[bases]", float,
                   double) {
  using T = TestType;
  const auto f = testing::make_subject<T>(box<3>(-1e10, 1e10));
  CHECK(f.log_prob({1, -2, 3}, {})[0] == Approx(-3 * std::log(2e10)));
  // In float the upper end is rounded by a sixth of the width; the density is that of the rounded
  // interval.
  const auto g = testing::make_subject<T>(box<1>(1, 1.0000003));
  CHECK(g.log_prob({T(1)}, {})[0] == Approx(-std::log(double{T(1.0000003)} - 1)).epsilon(1e-6));
  const auto small = testing::make_subject<T>(box<2>({1, -1e-30}, {1.001, 1e-30}));
  CHECK(small.log_prob({T(1.0005), T(0)}, {})[0] ==
        Approx(-std::log((double{T(1.001)} - 1) * double{T(2e-30)})).epsilon(1e-6));
}

TEMPLATE_TEST_CASE("box: samples are inside and even", "[bases]", float, double) {
  using T = TestType;
  const auto q = make_flow<T>(box<3>({-3, 0.5, 1e6}, {5, 0.75, 1e6 + 1}));
  constexpr std::size_t n = 40'000;
  philox stream(4);
  const auto y = q.sample(stream, n);
  std::array<std::vector<double>, 3> v;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t d = 0; d < 3; ++d) v[d].push_back(double{y(i, d)});
  CHECK(testing::kolmogorov_smirnov(v[0], [](double x) { return (x + 3) / 8; }).p_value > 1e-3);
  CHECK(testing::kolmogorov_smirnov(v[1], [](double x) { return 4 * (x - 0.5); }).p_value > 1e-3);
  // Float has sixteen numbers in the last interval: only their range and mean are asked for.
  CHECK(*std::min_element(v[2].begin(), v[2].end()) >= 1e6);
  CHECK(*std::max_element(v[2].begin(), v[2].end()) <= 1e6 + 1);
  CHECK(testing::near(testing::moments_of(v[2]).mean, 1e6 + 0.5, 0.01));
  for (const T p : q.log_prob(y)) CHECK(std::isfinite(p));
  // The same bits in a tile, a part and an event, and those of `uniform`, moved.
  const auto base = q.base();
  constexpr int stride = 96, count = 67;
  std::vector<T> tile(3 * stride), unit(3 * stride);
  base.fill(stream, 11, tile.data(), stride, count);
  uniform<3>.fill(stream, 11, unit.data(), stride, count);
  for (int i = 0; i < count; ++i) {
    std::array<T, 3> one{};
    base.fill(stream, 11 + static_cast<std::uint64_t>(i), one.data());
    for (int d = 0; d < 3; ++d)
      CHECK(testing::same_bits(one[static_cast<std::size_t>(d)],
                               tile[static_cast<std::size_t>(d * stride + i)]));
    const auto at = static_cast<std::size_t>(i);
    CHECK(tile[at] == Approx(-3 + 8 * double{unit[at]}).margin(1e-6));
  }
}

TEST_CASE("box: refused ends", "[bases]") {
  constexpr double inf = std::numeric_limits<double>::infinity();
  const auto says = Catch::Contains("expected finite ends, low < high");
  CHECK_THROWS_WITH((box<2>({0, 1}, {1, 1})), says && Catch::Contains("variable 1"));
  CHECK_THROWS_WITH(box<1>(1, 0), says);
  CHECK_THROWS_WITH(box<1>(0, inf), says);
  CHECK_THROWS_WITH(box<1>(-1e308, 1e308), says);
  CHECK_THROWS_AS(box<1>(std::nan(""), 1), std::invalid_argument);
  const auto narrow = box<1>(1, 1 + 1e-9);
  CHECK_THROWS_WITH(make_flow<float>(narrow), Catch::Contains("in float variable 0"));
  CHECK_NOTHROW(make_flow<double>(narrow));
  CHECK_THROWS_AS(make_flow<float>(box<1>(0, 1e39)), std::invalid_argument);
}

TEST_CASE("box: words know its ends", "[bases]") {
  constexpr auto sides = box<2>({0, -1}, {1, 3});
  constexpr auto line =
      sides | on<0>(inverse(interval_map(0, 1))) | on<1>(inverse(interval_map(-1, 3)));
  CHECK_NOTHROW(make_flow<double>(line));
  CHECK_THROWS_WITH(make_flow<double>(sides | inverse(interval_map(0, 1))),
                    Catch::Contains("variable 1 ranges over [-1, 3]"));
  // A permutation takes the ends along.
  const auto f = testing::make_subject<double>(sides | flip);
  CHECK(f.log_prob({2.5, 0.5}, {})[0] == Approx(-std::log(4.0)));
  CHECK(f.log_prob({0.5, 2.5}, {})[0] == -std::numeric_limits<double>::infinity());
  const auto q = make_flow<double>(sides);
  const xt::xtensor<double, 2> first{{0.25}, {2.5}};
  const auto of_first = marginal<1>(q).log_prob(first);
  CHECK(of_first(0) == 0);
  CHECK(of_first(1) == -std::numeric_limits<double>::infinity());
  CHECK(q.text() == "box<2>({0, -1}, {1, 3})");
}

TEST_CASE("box: flows over it", "[bases]") {
  testing::check_isolation(testing::make_subject<double>(box<2>({0, -1}, {1, 3})));
  testing::check_expression(box<3>({0, -1, 10}, {1, 3, 12}) | on<0>(inverse(interval_map(0, 1))) |
                            on<1>(inverse(interval_map(-1, 3))) |
                            on<2>(inverse(interval_map(10, 12))) | affine | iaf<8>);
}

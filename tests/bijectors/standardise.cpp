/// \file
/// standardise(mean, scale): fixed shifts and scales of each variable, and back again.

#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "../flow/check.hpp"

using namespace bijou;
using bijou::testing::check_expression;
using bijou::testing::make_subject;
using Catch::Matchers::Contains;

TEST_CASE("standardise: maps, log-dets, gradients", "[bijectors]") {
  check_expression(normal<3> | standardise(std::array{1.5, -2.0, 0.0}, std::array{2.0, -0.5, 1.0}) |
                   affine | flip |
                   inverse(standardise(std::vector{4.0, 5.0, 6.0}, std::vector{0.25, 3.0, 8.0})));
}

TEST_CASE("standardise by value", "[bijectors]") {
  const auto f =
      make_subject<double>(normal<2> | standardise(std::array{10.0, -1.0}, std::array{2.0, -4.0}));
  const auto y = f.forward({14, 7}, {});
  CHECK(y.values == std::vector{2.0, -2.0});
  CHECK(y.log_det[0] == Approx(-std::log(8.0)));
  CHECK(f.inverse({2, -2}, {}).values == std::vector{14.0, 7.0});
}

TEST_CASE("a flow puts the data's mean and scale back", "[bijectors]") {
  auto q = make_flow<double>(normal<2> |
                             inverse(standardise(std::vector{10.0, -1.0}, std::vector{2.0, 4.0})));
  philox stream{1};
  const auto y = q.sample(stream, 20000);
  const auto check = [&](std::size_t variable, double mean, double scale) {
    std::vector<double> column;
    for (std::size_t i = 0; i < 20000; ++i) column.push_back(y(i, variable));
    const auto m = testing::moments_of(column);
    CHECK(m.mean == Approx(mean).margin(0.03 * scale));
    CHECK(std::sqrt(m.variance) == Approx(scale).epsilon(0.02));
  };
  check(0, 10, 2);
  check(1, -1, 4);
}

TEST_CASE("standardise refuses what scales nothing", "[bijectors]") {
  using list = std::vector<double>;
  CHECK_THROWS_WITH(standardise(list{1, 2}, list{1}),
                    Contains("expected as many scales as means, got 1 and 2"));
  CHECK_THROWS_WITH(standardise(list{1}, list{0}), Contains("finite scales other than 0, got 0"));
  CHECK_THROWS_WITH(standardise(list{1}, list{std::numeric_limits<double>::infinity()}),
                    Contains("finite scales other than 0, got inf"));
  CHECK_THROWS_WITH(standardise(list{std::nan("")}, list{1}), Contains("expected finite means"));
  CHECK_THROWS_WITH(make_flow<double>(normal<3> | standardise(list{1, 2}, list{1, 1})),
                    Contains("standardise: expected 3 means and scales, got 2"));
}

#include <bijou/training/schedule.hpp>

#include <cmath>
#include <stdexcept>

#include "../catch.hpp"

using namespace bijou;

TEST_CASE("schedules: constant is 1 everywhere", "[training]") {
  CHECK(schedules::constant{}(0, 10) == 1);
  CHECK(schedules::constant{}(99, 10) == 1);
}

TEST_CASE("schedules: cosine warms up linearly and falls along half a cosine", "[training]") {
  const schedules::cosine s{.warmup = 0.2, .end = 0.1};
  CHECK(s(0, 10) == Approx(0.5)); // two of ten steps
  CHECK(s(1, 10) == Approx(1));
  CHECK(s(5, 10) == Approx(0.1 + 0.9 * 0.5)); // half way down
  CHECK(s(9, 10) == Approx(0.1));
  CHECK(s(50, 10) == Approx(0.1)); // beyond the plan it stays
  for (int t = 2; t < 10; ++t) CHECK(s(t, 10) < s(t - 1, 10));
  CHECK(schedules::cosine{}(0, 1000) == Approx(1).epsilon(1e-5));
  CHECK(schedules::cosine{.warmup = 1}(9, 10) == Approx(1));
}

TEST_CASE("schedules: staircase drops at equal distances", "[training]") {
  const schedules::staircase s{.drops = 2, .decay = 0.5};
  const double expected[9] = {1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25};
  for (int t = 0; t < 9; ++t) CHECK(s(t, 9) == Approx(expected[t]));
  CHECK(s(100, 9) == Approx(0.25));
}

TEST_CASE("schedules: exponential falls geometrically to its end", "[training]") {
  const schedules::exponential s{.end = 1e-4};
  CHECK(s(0, 5) == Approx(1));
  CHECK(s(1, 5) == Approx(0.1));
  CHECK(s(4, 5) == Approx(1e-4));
  CHECK(s(40, 5) == Approx(1e-4));
}

TEST_CASE("schedules: one_cycle rises to 1 and falls below its start", "[training]") {
  const schedules::one_cycle s{.warmup = 0.25, .start = 0.1, .end = 0.01};
  CHECK(s(0, 9) == Approx(0.1));
  CHECK(s(1, 9) == Approx(0.55));
  CHECK(s(2, 9) == Approx(1));
  CHECK(s(5, 9) == Approx(0.01 + 0.99 * 0.5));
  CHECK(s(8, 9) == Approx(0.01));
}

TEST_CASE("schedules: runs of no or one step are no special case", "[training]") {
  for (const schedule& s :
       {schedule(schedules::constant{}), schedule(schedules::cosine{.warmup = 0.1}),
        schedule(schedules::staircase{}), schedule(schedules::exponential{}),
        schedule(schedules::one_cycle{})})
    for (int total : {0, 1, 2})
      for (int t = 0; t < 3; ++t) {
        CHECK(std::isfinite(s(t, total)));
        CHECK(s(t, total) >= 0);
        CHECK(s(t, total) <= 1);
      }
}

TEST_CASE("schedules refuse numbers that make no sense", "[training]") {
  const double nan = std::nan("");
  for (const double warmup : {-0.1, 1.1, nan}) {
    CHECK_THROWS_WITH(schedules::cosine{.warmup = warmup}(3, 10),
                      "schedules::cosine: expected 0 <= warmup <= 1");
    CHECK_THROWS_WITH(schedules::one_cycle{.warmup = warmup}(3, 10),
                      "schedules::one_cycle: expected 0 <= warmup <= 1");
  }
  for (const double bad : {-1.0, nan}) {
    CHECK_THROWS_AS(schedules::cosine{.end = bad}(3, 10), std::invalid_argument);
    CHECK_THROWS_AS(schedules::staircase{.decay = bad}(3, 10), std::invalid_argument);
    CHECK_THROWS_AS(schedules::exponential{.end = bad}(3, 10), std::invalid_argument);
    CHECK_THROWS_AS(schedules::one_cycle{.start = bad}(3, 10), std::invalid_argument);
    CHECK_THROWS_AS(schedules::one_cycle{.end = bad}(3, 10), std::invalid_argument);
  }
  CHECK_THROWS_AS(schedules::exponential{.end = 0}(3, 10), std::invalid_argument);
  CHECK_THROWS_AS(schedules::staircase{.drops = -1}(3, 10), std::invalid_argument);
}

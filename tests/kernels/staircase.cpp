#include <bijou/kernels/staircase.hpp>

#include <algorithm>
#include <cstddef>
#include <random>
#include <vector>

#include "../catch.hpp"
#include "../support/random_limits.hpp"

using namespace bijou;
using testing::random_limits;

TEST_CASE("a staircase has a place of its own for every entry", "[staircase]") {
  std::mt19937 random(41);
  for (int rows = 1; rows <= 50; ++rows) {
    const int columns = 1 + rows * 7 % 40;
    const std::ptrdiff_t begin = 16 * (rows % 3);
    const staircase s(random_limits(rows, columns, random), columns, begin);
    CAPTURE(rows, columns);
    REQUIRE(s.panels() == (rows + panel_rows - 1) / panel_rows);
    CHECK((s.end() - s.begin()) % panel_rows == 0);

    std::vector<int> owners(static_cast<std::size_t>(s.end()));
    long structural = 0;
    for (int r = 0; r < rows; ++r)
      for (int k = 0; k < s.panel_limit(panel_of(r)); ++k) {
        REQUIRE(s.index(r, k) >= s.begin());
        REQUIRE(s.index(r, k) < s.end());
        ++owners[static_cast<std::size_t>(s.index(r, k))];
        structural += k < s.limit(r);
      }
    CHECK(std::all_of(owners.begin(), owners.end(), [](int n) { return n <= 1; }));
    CHECK(structural == s.structural());

    // Each once, in order; and the structural ones are those that rows use.
    std::ptrdiff_t next = begin;
    long visited = 0;
    s.visit([&](std::ptrdiff_t i, bool used) {
      REQUIRE(i == next++);
      visited += used;
      if (used) CHECK(owners[static_cast<std::size_t>(i)] == 1);
    });
    CHECK(next == s.end());
    CHECK(visited == structural);
  }
}

TEST_CASE("sixteen entries can be read from every column's first on", "[staircase]") {
  std::mt19937 random(42);
  for (int rows = 1; rows <= 50; ++rows) {
    const staircase s(random_limits(rows, 9, random), 9, 0);
    for (int q = 0; q < s.panels(); ++q) {
      // Whole groups of four, and no more than there are rows for.
      CHECK(s.width(q) == (std::min(panel_rows, rows - q * panel_rows) + 3) / 4 * 4);
      for (int k = 0; k < s.panel_limit(q); ++k)
        CHECK(s.index(q * panel_rows, k) + panel_rows <= s.end());
    }
  }
}

TEMPLATE_TEST_CASE("clear_corners leaves what rows use and nothing else", "[staircase]", float,
                   double) {
  std::mt19937 random(43);
  for (int rows = 1; rows <= 50; ++rows)
    for (const int padding : {0, 1}) {
      CAPTURE(rows, padding);
      // Rows that pad groups of four use nothing, between others that do.
      std::vector<int> limits = random_limits(rows, 21, random);
      for (std::size_t r = 3; padding && r < limits.size(); r += 4) limits[r] = 0;
      const staircase s(limits, 21, 16);
      std::vector<TestType> values(static_cast<std::size_t>(s.end()) + 16, TestType(1));
      s.clear_corners(values.data());
      s.visit([&](std::ptrdiff_t i, bool used) {
        CHECK(values[static_cast<std::size_t>(i)] == TestType(used ? 1 : 0));
      });
      for (int i = 0; i < 16; ++i) {
        CHECK(values[static_cast<std::size_t>(i)] == TestType(1));
        CHECK(values[values.size() - 1 - static_cast<std::size_t>(i)] == TestType(1));
      }
    }
}

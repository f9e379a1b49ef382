// Which row of a network's output holds which parameter, and rows in panels.
#include <bijou/networks/output_layout.hpp>

#include <vector>

#include "catch.hpp"

using namespace bijou;

TEST_CASE("rows fill panels of sixteen", "[networks]") {
  for (int row = 0; row < 100; ++row) {
    CHECK(panel_begin(panel_of(row)) + row_in_panel(row) == row);
    CHECK(row_in_panel(row) < panel_rows);
  }
  CHECK(panel_count(0) == 0);
  CHECK(panel_count(1) == 1);
  CHECK(panel_count(16) == 1);
  CHECK(panel_count(17) == 2);
  for (int rows = 0; rows < 100; ++rows)
    CHECK(whole_panels(rows) == panel_begin(panel_count(rows)));
}

TEST_CASE("every parameter has a row of its own, variable after variable", "[networks]") {
  for (int parameters = 1; parameters <= 25; ++parameters) {
    const output_layout outputs(5, parameters);
    std::vector<int> holders(static_cast<std::size_t>(outputs.padded_rows()));
    int last = -1;
    for (int rank = 0; rank < 5; ++rank)
      for (int j = 0; j < parameters; ++j) {
        const int row = outputs.row(rank, j);
        CHECK(row > last);
        last = row;
        CHECK(outputs.rank(row) == rank);
        CHECK(outputs.parameter(row) == j);
        ++holders.at(static_cast<std::size_t>(row));
      }
    for (int row = 0; row < outputs.padded_rows(); ++row)
      CHECK(holders[static_cast<std::size_t>(row)] == (outputs.holds_parameter(row) ? 1 : 0));
    CHECK(last < outputs.rows());
    CHECK(outputs.padded_rows() == whole_panels(outputs.rows()));
  }
}

TEST_CASE("no register block has rows of two variables with many parameters", "[networks]") {
  for (int parameters = 3; parameters <= 25; ++parameters) {
    const output_layout outputs(3, parameters);
    for (int row = 0; row < outputs.rows(); ++row)
      CHECK(outputs.rank(row) == outputs.rank(row / 4 * 4));
  }
  CHECK(output_layout(7, 1).rows() == 7);
  CHECK(output_layout(7, 2).rows() == 14);
}

#pragma once
/// \file
/// Rows in panels of sixteen: what packed matrices, biases and the buffers of a network agree on.

#include <bijou/kernels/unroll.hpp>

namespace bijou::inline BIJOU_ISA {

/// Rows that a panel stores side by side, in float and in double: indices do not depend on the
/// type.
inline constexpr int panel_rows = 16;

/// The panel of a row, and the place of the row in it.
constexpr int panel_of(int row) {
  return static_cast<int>(static_cast<unsigned>(row) / unsigned{panel_rows});
}
constexpr int row_in_panel(int row) { return row % panel_rows; }
/// Rows [panel_begin(q), panel_begin(q + 1)) are those of panel q.
constexpr int panel_begin(int panel) { return panel * panel_rows; }
/// How many panels so many rows take, and how many rows those panels have.
constexpr int panel_count(int rows) { return panel_of(rows + panel_rows - 1); }
constexpr int whole_panels(int rows) { return detail::round_up(rows, panel_rows); }

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// The two ways through a map.

#include <bijou/kernels/isa.hpp>

namespace bijou::inline BIJOU_ISA::detail {

/// forward: from noise to data, the way that samples go. inverse: back.
enum class direction : bool { forward, inverse };

constexpr direction opposite(direction way) {
  return way == direction::forward ? direction::inverse : direction::forward;
}

} // namespace bijou::inline BIJOU_ISA::detail

#pragma once
/// \file
/// Where one coordinate of an event may lie: what supports and domains are made of.

#include <bijou/kernels/isa.hpp>

namespace bijou::inline BIJOU_ISA {

/// The set a coordinate ranges over. `interval` has bounds of its own, known at run time.
enum class kind : unsigned char {
  line,      ///< (-inf, inf)
  positive,  ///< (0, inf)
  unit,      ///< [0, 1]
  symmetric, ///< (-1, 1)
  interval   ///< [low, high], bounds compared when the flow is made; high may be infinite
};

/// The words that messages and `describe` use for a kind.
constexpr const char* to_string(kind k) {
  switch (k) {
  case kind::line:
    return "line";
  case kind::positive:
    return "positive";
  case kind::unit:
    return "unit";
  case kind::symmetric:
    return "(-1, 1)";
  case kind::interval:
    return "interval";
  }
  return "?";
}

} // namespace bijou::inline BIJOU_ISA

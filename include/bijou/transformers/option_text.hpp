#pragma once
/// \file
/// Numbers in the written form of a word's options.

#include <bijou/kernels/isa.hpp>

#include <charconv>
#include <string>

namespace bijou::inline BIJOU_ISA::detail {

/// The shortest decimal text that reads back as the same double: "0.001", "3", "1e-06".
inline std::string number_text(double v) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, v).ptr};
}

} // namespace bijou::inline BIJOU_ISA::detail

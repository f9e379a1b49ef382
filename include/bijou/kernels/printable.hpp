#pragma once
/// \file
/// Text from elsewhere, made fit for a message.

#include <bijou/kernels/isa.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace bijou::inline BIJOU_ISA::detail {

/// At most `longest` bytes of UTF-8 text, with "..." where it goes on. Control characters, which
/// could command the reader's terminal, become question marks.
inline std::string printable(std::string_view text, std::size_t longest) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  std::size_t end = text.size();
  if (end > longest) // not in the middle of a character
    for (end = longest; end > 0 && (byte(end) & 0xC0U) == 0x80; --end) {
    }
  std::string result;
  for (std::size_t i = 0; i < end; ++i) {
    const bool second_set = byte(i) == 0xC2 && byte(i + 1) >= 0x80 && byte(i + 1) < 0xA0;
    const bool control = byte(i) < 0x20 || byte(i) == 0x7F || second_set;
    result += control ? '?' : text[i];
    if (second_set) ++i;
  }
  return result + (end < text.size() ? "..." : "");
}

} // namespace bijou::inline BIJOU_ISA::detail

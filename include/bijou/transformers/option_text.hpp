#pragma once
/// \file
/// Numbers in the written form of a word's options, and what is said of those that a scalar type
/// cannot hold.
///
/// Options are doubles, written before there is a scalar type. A word or transformer with some has
/// `template <class T> void check_options() const`, which make_flow<T> calls.

#include <bijou/kernels/isa.hpp>

#include <charconv>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace bijou::inline BIJOU_ISA::detail {

/// The shortest decimal text that reads back as the same double: "0.001", "3", "1e-06".
inline std::string number_text(double v) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, v).ptr};
}
/// A list of numbers, "{0.5, 1}": exact, for it is part of the expression that files are checked
/// against.
template <class Numbers> std::string numbers_text(const Numbers& numbers) {
  std::string s;
  for (const double v : numbers) s += (s.empty() ? "{" : ", ") + number_text(v);
  return s + "}";
}

/// Says that an option of the word or transformer `text` does not do for numbers of type T.
/// \throws std::invalid_argument
template <class T>
[[noreturn]] void refuse_option(const std::string& text, const std::string& what,
                                const std::string& remedy) {
  constexpr bool single = std::is_same_v<T, float>;
  throw std::invalid_argument(text + ": in " + (single ? "float " : "double ") + what + ": " +
                              (single ? "use make_flow<double>, or " : "") + remedy);
}

/// Whether a T holds v as a normal number.
template <class T> constexpr bool is_normal_in(double v) {
  const double size = v < 0 ? -v : v;
  return size >= double{std::numeric_limits<T>::min()} &&
         size <= double{std::numeric_limits<T>::max()};
}

/// Refuses unless a T holds v as a normal number: `what` says in words what v is.
template <class T>
void require_normal(double v, const std::string& text, const std::string& what,
                    const std::string& remedy) {
  if (!is_normal_in<T>(v)) refuse_option<T>(text, what + " is no normal number", remedy);
}

} // namespace bijou::inline BIJOU_ISA::detail

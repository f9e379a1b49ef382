#pragma once
/// \file
/// A place between two words: the event size, the support of each variable, the context size.
///
/// Places flow from the base to the right. A word says whether it fits a place (`fits`) and what
/// the place after it looks like (`after`); `fits_back` and `before` say the same of its inverse.
/// Domain and support must be equal: the image of a part of a domain would depend on parameters.

#include <bijou/grammar/item.hpp>
#include <bijou/grammar/kind.hpp>

#include <array>
#include <cstddef>

namespace bijou::inline BIJOU_ISA {

/// What is known between two words. `words` counts those before (permutations and given alike).
template <int D> struct place {
  static constexpr int size = D;
  std::array<kind, static_cast<std::size_t>(D)> support{};
  int context = 0;
  int words = 0;

  constexpr bool operator==(const place&) const = default;

  /// The place where all variables have the support k.
  static constexpr place all(kind k) {
    place p;
    p.support.fill(k);
    return p;
  }
  constexpr bool is_all(kind k) const {
    for (kind s : support)
      if (s != k) return false;
    return true;
  }
  constexpr bool is_uniform() const { return is_all(support[0]); }
  constexpr place with_all(kind k) const {
    place p = *this;
    p.support.fill(k);
    return p;
  }
};

/// Why a word does not fit the place before it.
enum class misfit : unsigned char { none, size, support, mixed, given, few };

} // namespace bijou::inline BIJOU_ISA

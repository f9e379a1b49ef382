#pragma once
/// \file
/// A place between two words: the event size, the support of each variable, the context size.
///
/// The compiler goes through an expression from the base to the right. At each place it asks the
/// next word whether it may stand there (`fits`), and what the place behind it is like (`after`);
/// for an inverted word it asks `fits_back` and `before`.
///
/// A variable's support before a word must be the whole domain of the word's map. On a part of the
/// domain, say the positive half of the line, the image would be an interval whose ends depend on
/// the parameters, and no later word could be sure of its domain.

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
enum class misfit : unsigned char { none, size, support, mixed, given, few, context, channels };

} // namespace bijou::inline BIJOU_ISA

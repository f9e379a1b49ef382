#pragma once
/// \file
/// `given<C>`: makes a flow conditional on a context of C values.

#include <bijou/grammar/place.hpp>

#include <string>

namespace bijou::inline BIJOU_ISA {

/// No map: every conditioner behind it sees the context. Right after the base, and once.
template <int C> struct given_t {
  using bijou_tag = word_tag;
  static constexpr rule what = rule::context;
  static constexpr int size = 0;
  static constexpr bool invertible = false;
  static constexpr int context = C;

  template <int D> static constexpr misfit fits(const place<D>& p) {
    return p.words == 0 ? misfit::none : misfit::given;
  }
  template <int D> static constexpr place<D> after(place<D> p) {
    p.context = C;
    return p;
  }
  std::string text() const { return "given<" + std::to_string(C) + ">"; }
};

/// Conditions every word behind it on C values that come with each sample: `normal<4> | given<3>`.
template <int C>
  requires(C > 0)
inline constexpr given_t<C> given{};

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// `t.fixed()`: a transformer whose parameters are not trained: `normal<4> |
/// diagonal_affine.fixed()`.
///
/// The map, its inverse and its log slope are those of t, and so is the cotangent of the variable.
/// The gradient by the parameters is 0, so that no optimizer moves them (weight decay does, as it
/// moves all parameters). Files carry them by name all the same: they are numbers that data or
/// another library have given. A network's outputs are no such numbers, and networks refuse
/// t.fixed().

#include <bijou/transformers/transformer.hpp>

#include <string>

namespace bijou::inline BIJOU_ISA {

/// Tr with cotangents of 0 for its parameters.
template <class Tr> struct fixed_t : Tr {
  static constexpr bool is_fixed = true;

  /// As it could be written.
  std::string text() const { return std::string(Tr::name) + ".fixed()"; }
  /// It is fixed already.
  constexpr fixed_t fixed() const { return *this; }

  template <class P, class Theta, class Sink>
  BIJOU_INLINE P pull_back(P x, const Theta& theta, P gy, P gl, Sink&& g_theta) const {
    for (int j = 0; j < Tr::parameters; ++j) g_theta.set(j, P(0));
    return Tr::pull_back(x, theta, gy, gl, keeps_nothing{});
  }
};

/// Whether a network may give Tr its parameters: those of t.fixed() would stay untrained, and so
/// would the network.
template <class Tr> inline constexpr bool is_trained = !requires { Tr::is_fixed; };

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// `diagonal_normal<D>`: independent normal variables with learned means and deviations.
///
/// It is the expression `normal<D> | affine`, under a name: noise stays standard normal, and mean t
/// and unconstrained log deviation u of each variable are the parameters of the first word. The
/// deviation is exp(u / (1 + |u| / log 1000)), between 0.001 and 1000 (transformers/affine.hpp). It
/// stands first in a pipe, as a base does: `diagonal_normal<4> | planar`; files and text() have it
/// spelt out.

#include <bijou/bases/normal.hpp>
#include <bijou/bijectors/elementwise.hpp>
#include <bijou/grammar/pipe.hpp>
#include <bijou/transformers/affine.hpp>

namespace bijou::inline BIJOU_ISA {

/// N(t_d, s_d^2) for each of D variables, t and s learned; initially near the standard normal
/// distribution.
template <int D>
  requires(D > 0)
inline constexpr auto diagonal_normal = normal<D> | affine;

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// `full_rank_normal<D>`: the normal distribution with a learned mean b and covariance A A^T.
///
/// It is the expression `normal<D> | lower_triangular`, under a name: noise stays standard normal,
/// and A and b are the parameters of the first word. It stands first in a pipe, as a base does:
/// `full_rank_normal<4> | planar`; files and text() have it spelt out.

#include <bijou/bases/normal.hpp>
#include <bijou/bijectors/linear/lower_triangular.hpp>
#include <bijou/grammar/pipe.hpp>

namespace bijou::inline BIJOU_ISA {

/// N(b, A A^T) in D variables, A lower triangular; initially the standard normal distribution.
template <int D>
  requires(D > 0)
inline constexpr auto full_rank_normal = normal<D> | lower_triangular;

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// `rotation`: an orthogonal map, learned as the exponential of an antisymmetric matrix. Log-det 0.
///
/// y = exp(A - A^T) x with A below its diagonal; the inverse is the transpose. All of R^D to all of
/// R^D. Every rotation is one of these: the orthogonal matrices of determinant 1. With one of the
/// D (D - 1) / 2 numbers alone, the word turns a plane of two variables by that angle.
///
/// Lezcano-Casado and Martinez-Rubio 2019 (1901.08428), section 3; `RotationTransform` in zuko,
/// which has all entries of A, of which each pair counts by its difference.

#include <bijou/bijectors/mixing.hpp>
#include <bijou/kernels/saturation.hpp>
#include <bijou/reverse/dense_products.hpp>
#include <bijou/reverse/exponential.hpp>

#include <array>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// The formulas of `rotation`; it begins with the spread of zuko's. Cost of a sample: D^2
/// multiply-adds in either direction; of a tile, that of reverse_mode::rotation_by.
struct rotation_map {
  static constexpr const char* name = "rotation";
  /// Where an exponential's entries may be multiplied with variables: reverse/exponential.hpp.
  template <class T> static constexpr T end = saturation<T>;
  template <int D>
  static constexpr std::array parameters{
      parameter{"A", D, D}.normal_of_variance(0, 2).below_diagonal()};

  void prepare(const auto& a, const auto& then) const {
    auto turned = rotation_by(a);
    then(turned);
  }
  void forward(const auto& x, auto& y, const auto& matrix) const {
    auto turned = multiply(matrix, x);
    y.set(turned);
  }
  void inverse(const auto& y, auto& x, const auto& matrix) const {
    auto turned = multiply_transposed(matrix, y);
    x.set(turned);
  }
};

} // namespace detail

/// A learned rotation: `normal<8> | affine | rotation | affine`.
inline constexpr mixing_t<detail::rotation_map> rotation{};

} // namespace bijou::inline BIJOU_ISA

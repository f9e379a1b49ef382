#pragma once
/// \file
/// `matrix_exponential`: a learned linear map without a constraint, y = exp(M) x.
///
/// log|det dy/dx| = trace M, and the inverse is exp(-M) y. All of R^D to all of R^D. Whatever M is,
/// exp(M) has an inverse, and a determinant above 0.
///
/// Hoogeboom et al. 2020 (2006.01910), *The convolution exponential and generalized Sylvester
/// flows*, section 3; `MatrixExponential` in Pyro, which takes eight terms of the series where this
/// word is exact to rounding.

#include <bijou/bijectors/mixing.hpp>
#include <bijou/kernels/direction.hpp>
#include <bijou/kernels/saturation.hpp>
#include <bijou/reverse/dense_products.hpp>
#include <bijou/reverse/exponential.hpp>

#include <array>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// The formulas of `matrix_exponential`; it begins with Pyro's spread. Cost of a sample: D^2
/// multiply-adds in either direction; of a tile, that of reverse_mode::exponential.
struct matrix_exponential_map {
  static constexpr const char* name = "matrix_exponential";
  /// Of one direction alone: the other needs another exponential.
  static constexpr bool prepares_by_direction = true;
  /// Where an exponential's entries may be multiplied with variables: reverse/exponential.hpp.
  template <class T> static constexpr T end = saturation<T>;
  template <int D>
  static constexpr std::array parameters{
      parameter{"weights", D, D}.normal_of_variance(0, 1 / (3.0 * D))};

  template <class M> void prepare(direction way, const M& m, const auto& then) const {
    using T = typename M::value_type;
    const T sign = way == direction::forward ? T(1) : T(-1);
    auto matrix = reverse_mode::exponential(m, sign);
    auto logs = diagonal(m);
    auto shares = logs * sign;
    then(matrix, shares);
  }
  void forward(const auto& x, auto& y, const auto& matrix, const auto& shares) const {
    map(x, y, matrix, shares);
  }
  void inverse(const auto& y, auto& x, const auto& matrix, const auto& shares) const {
    map(y, x, matrix, shares);
  }

 private:
  BIJOU_INLINE static void map(const auto& given, auto& made, const auto& matrix,
                               const auto& shares) {
    auto moved = multiply(matrix, given);
    made.log_det(shares);
    made.set(moved);
  }
};

} // namespace detail

/// y = exp(M) x: `normal<8> | matrix_exponential | iaf<32>`.
inline constexpr mixing_t<detail::matrix_exponential_map> matrix_exponential{};

} // namespace bijou::inline BIJOU_ISA

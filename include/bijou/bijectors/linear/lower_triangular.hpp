#pragma once
/// \file
/// `lower_triangular`: a learned affine map that mixes the variables, y = A x + b.
///
/// A is lower triangular with the diagonal exp(l_d) > 0; log|det dy/dx| = sum_d l_d. The inverse is
/// a substitution. All of R^D to all of R^D. On a normal base it makes every normal distribution.
/// Kucukelbir et al. 2017 (1603.00788), the full-rank Gaussian.

#include <bijou/bijectors/mixing.hpp>
#include <bijou/reverse/triangles.hpp>

#include <array>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// The formulas of `lower_triangular`; it begins as the identity. Cost of a sample: D (D + 1) / 2
/// multiply-adds in either direction.
struct lower_triangular_map {
  static constexpr const char* name = "lower_triangular";
  static constexpr bool leads = true;
  template <int D> static constexpr int kept = D;
  /// The diagonal of the matrix is the logarithm of A's.
  template <int D>
  static constexpr std::array parameters{parameter{"loc", D},
                                         parameter{"log_scale_tril", D, D}.up_to_diagonal()};

  void prepare(const auto& loc, const auto& matrix, const auto& then) const {
    auto logs = diagonal(matrix);
    auto scales = exp(logs);
    then(loc, matrix, logs, scales);
  }
  void forward(const auto& x, auto& y, const auto& loc, const auto& matrix, const auto& logs,
               const auto& scales) const {
    auto moved = multiply<lower>(matrix, scales, x, loc, y.kept());
    y.log_det(logs);
    y.set(moved);
  }
  void inverse(const auto& y, auto& x, const auto& loc, const auto& matrix, const auto& logs,
               const auto& scales) const {
    auto centred = y - loc;
    auto moved = solve<lower>(matrix, scales, centred, x.kept());
    auto shrunk = -logs;
    x.log_det(shrunk);
    x.set(moved);
  }

 private:
  static constexpr auto lower = reverse_mode::triangle::lower;
};

} // namespace detail

/// y = A x + b, A lower triangular with a positive diagonal: `normal<4> | lower_triangular`.
inline constexpr mixing_t<detail::lower_triangular_map> lower_triangular{};

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// `lu`: a learned affine map that mixes the variables, y = L U x + b.
///
/// L is lower triangular with ones on its diagonal, U upper triangular with the diagonal
/// u_d = softplus(c_d) + 0.001 > 0, so that L U has an inverse whatever is learned;
/// log|det dy/dx| = sum_d log u_d. The inverse is two substitutions, by L and then by U. All of R^D
/// to all of R^D. L U is any matrix whose leading principal minors are above 0, up to the 0.001:
/// all that are near the identity, but none that exchanges two variables; `permute` does that.
///
/// Kingma and Dhariwal 2018 (1807.03039), equation 10, without its fixed permutation and with
/// positive pivots; the diagonal and the initial values are those of `LULinear` in nflows.

#include <bijou/bijectors/mixing.hpp>
#include <bijou/reverse/triangles.hpp>

#include <array>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// The formulas of `lu`; it begins as the identity. Cost of a sample: D (D + 1) multiply-adds in
/// either direction; of the inverse D quotients as well. A tile takes D softplus and logarithms.
struct lu_map {
  static constexpr const char* name = "lu";
  template <int D> static constexpr int kept = 2 * D;
  static constexpr double least_diagonal = 1e-3;
  static constexpr double unconstrained_one = 0.539742417236952; ///< log(exp(1 - 1e-3) - 1)
  /// The matrices have entries on one side of the diagonal; all others are 0 in files, and stay 0.
  template <int D>
  static constexpr std::array parameters{
      parameter{"lower", D, D}.below_diagonal(), parameter{"upper", D, D}.above_diagonal(),
      parameter{"diagonal", D}.normal(unconstrained_one, 0), parameter{"bias", D}};

  void prepare(const auto& l, const auto& u, const auto& unconstrained, const auto& bias,
               const auto& then) const {
    auto positive = softplus(unconstrained);
    auto scales = positive + least_diagonal;
    auto logs = log(scales);
    then(l, u, scales, logs, bias);
  }
  void forward(const auto& x, auto& y, const auto& l, const auto& u, const auto& scales,
               const auto& logs, const auto& bias) const {
    auto halfway = multiply<upper>(u, scales, x, 0, y.kept());
    auto moved = multiply<lower>(l, 1, halfway, bias, y.kept());
    y.log_det(logs);
    y.set(moved);
  }
  void inverse(const auto& y, auto& x, const auto& l, const auto& u, const auto& scales,
               const auto& logs, const auto& bias) const {
    auto centred = y - bias;
    auto halfway = solve<lower>(l, 1, centred, x.kept());
    auto moved = solve<upper>(u, scales, halfway, x.kept());
    auto shrunk = -logs;
    x.log_det(shrunk);
    x.set(moved);
  }

 private:
  static constexpr auto lower = reverse_mode::triangle::lower;
  static constexpr auto upper = reverse_mode::triangle::upper;
};

} // namespace detail

/// y = L U x + b, a learned linear map: `normal<4> | lu | iaf<16> | lu`.
inline constexpr mixing_t<detail::lu_map> lu{};

} // namespace bijou::inline BIJOU_ISA

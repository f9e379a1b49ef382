#pragma once
/// \file
/// `planar`: pushes samples along one direction, by a ridge across another.
///
/// y = x + u^ tanh(w.x + b), log|det dy/dx| = log(1 + (1 - tanh^2(w.x + b)) w.u^), with
/// u^ = u + (softplus(w.u) - 1 - w.u) w / |w|^2, so that w.u^ > -1 and the map is one to one.
/// All of R^D to all of R^D. The inverse solves z + (w.u^) tanh z = w.y + b for z = w.x + b; then
/// x = y - u^ tanh z.
///
/// Rezende and Mohamed 2015 (1505.05770), equations 10 to 12 and appendix A.1, with Pyro's
/// softplus(w.u) - 1 (the appendix has the same function).

#include <bijou/bijectors/mixing.hpp>
#include <bijou/bijectors/residual/ridge_root.hpp>

#include <array>
#include <limits>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// The formulas of `planar`. Cost of a sample: 2 D multiply-adds, a tanh and a logarithm; of the
/// inverse the solution of its equation as well.
struct planar_map {
  static constexpr const char* name = "planar";
  static constexpr const char* inverse_by = "6 Newton steps, 10 where a ridge is steep";
  static constexpr int kept = 2;
  template <int D>
  static constexpr std::array parameters{parameter{"u", D}.normal_of_variance(0, 1 / (3.0 * D)),
                                         parameter{"w", D}.normal_of_variance(0, 1 / (3.0 * D)),
                                         parameter{"bias"}};

  template <class U>
  void prepare(const U& u, const auto& w, const auto& bias, const auto& then) const {
    using number = typename U::value_type;
    auto along = dot(w, u);
    auto squared = dot(w, w);
    // Without a direction w there is nothing to stretch along: a shift by u tanh(bias).
    const auto directed = squared.value >= simd::pack<number>(std::numeric_limits<number>::min());
    auto by = select(directed, squared, 1);
    auto risen = softplus(along);
    auto stretch = select(directed, risen, 1); // 1 + w.u^ > 0
    auto beyond = risen - 1;
    auto more = beyond - along;
    auto quotient = more / by;
    auto excess = select(directed, quotient, 0);
    auto u_hat = fma(excess, w, u);
    then(u_hat, w, bias, stretch);
  }
  void forward(const auto& x, auto& y, const auto& u_hat, const auto& w, const auto& bias,
               const auto& stretch) const {
    auto height = dot(w, x, bias);
    auto ridge = tanh(height, y.kept());
    auto det = reverse_mode::apply<ridge_slope>(ridge, stretch);
    auto log_det = log(det);
    y.log_det(log_det);
    y.add(u_hat, ridge);
  }
  void inverse(const auto& y, auto& x, const auto& u_hat, const auto& w, const auto& bias,
               const auto& stretch) const {
    auto moved = dot(w, y, bias);
    auto height = reverse_mode::root_kept<ridge_equation>(x.kept(), stretch, moved);
    auto ridge = tanh(height, x.kept());
    auto det = reverse_mode::apply<ridge_slope>(ridge, stretch);
    auto log_det = log(det);
    auto shrunk = -log_det;
    x.log_det(shrunk);
    x.subtract(u_hat, ridge);
  }
};

} // namespace detail

/// A planar flow: `normal<2> | planar | planar`. Parameters: u (D), w (D) and a bias.
inline constexpr mixing_t<detail::planar_map> planar{};

} // namespace bijou::inline BIJOU_ISA

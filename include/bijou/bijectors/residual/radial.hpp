#pragma once
/// \file
/// `radial`: draws samples towards a point, or pushes them away from it.
///
/// y = x + beta h (x - x0), h = 1 / (alpha + r), r = |x - x0|; log|det dy/dx| =
/// (D - 1) log(1 + beta h) + log(1 + alpha beta h^2). alpha = softplus(alpha') > 0 and beta =
/// softplus(beta') - alpha > -alpha, so that the map is one to one. All of R^D to all of R^D. The
/// inverse finds r from R = |y - x0| = r (1 + beta h), a quadratic equation.
///
/// Rezende and Mohamed 2015 (1505.05770), equation 14 and appendix A.2.

#include <bijou/bijectors/mixing.hpp>

#include <array>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// R = r (1 + beta h) as an equation for r, r^2 + (least - R) r - alpha R = 0, with least = alpha +
/// beta > 0.
struct radial_distance {
  /// By the root that does not cancel.
  template <class P> BIJOU_INLINE P solve(P distance, P alpha, P least) const {
    const P product = alpha * distance;
    const P middle = P(typename P::value_type(0.5)) * (distance - least);
    const P sum = bijou::simd::sqrt(fma(middle, middle, product)) + abs(middle);
    return select(middle < P(0), product / sum, sum);
  }
  /// By r a sum of terms above 0: 2 r + least - R where R is what r makes of it.
  template <class P>
  BIJOU_INLINE reverse_mode::root_slopes<P, 4> slopes(P r, P distance, P alpha, P least) const {
    const P near = alpha + r;
    return {{fma(alpha, (least + r) / near, r), -near, -distance, r}};
  }
};

/// The formulas of `radial`. Cost of a sample: 2 D multiply-adds, a root, a quotient and two
/// logarithms; of the inverse a root and two quotients more.
struct radial_map {
  static constexpr const char* name = "radial";
  static constexpr int kept = 2;
  template <int D>
  static constexpr std::array parameters{
      parameter{"x0", D}.normal_of_variance(0, 1 / (3.0 * D)),
      parameter{"alpha_prime"}.normal_of_variance(0, 1 / (3.0 * D)),
      parameter{"beta_prime"}.normal_of_variance(0, 1 / (3.0 * D))};

  void prepare(const auto& x0, const auto& alpha_prime, const auto& beta_prime,
               const auto& then) const {
    auto alpha = softplus(alpha_prime);
    auto least = softplus(beta_prime);
    auto beta = least - alpha;
    then(x0, alpha, beta, least);
  }
  template <class X>
  void forward(const X& x, auto& y, const auto& x0, const auto& alpha, const auto& beta,
               const auto& least) const {
    auto away = x - x0;
    auto r = norm(away, y.kept());
    auto near = alpha + r;
    auto h = reciprocal(near, y.kept());
    auto stretch = beta * h;
    with_log_det<X::size>(
        r, h, alpha, least, [&](const auto& v) __attribute__((always_inline)) {
          y.log_det(v);
          y.add(away, stretch);
        });
  }
  /// x - x0 = (y - x0) / (1 + beta h)
  template <class Y>
  void inverse(const Y& y, auto& x, const auto& x0, const auto& alpha, const auto&,
               const auto& least) const {
    auto away = y - x0;
    auto distance = norm(away);
    auto r = reverse_mode::root_kept<radial_distance>(x.kept(), distance, alpha, least);
    auto near = alpha + r;
    auto h = reciprocal(near, x.kept());
    auto far = least + r;
    auto shrink = near / far;
    auto moved = fma(shrink, away, x0);
    with_log_det<Y::size>(
        r, h, alpha, least, [&](const auto& v) __attribute__((always_inline)) {
          auto minus = -v;
          x.log_det(minus);
          x.set(moved);
        });
  }

 private:
  /// then(log|det|), by the slopes across the ray from x0, 1 + beta h, and along it, 1 + alpha beta
  /// h^2: sums of terms above 0, which cannot cancel.
  template <int D>
  BIJOU_INLINE static void with_log_det(const auto& r, const auto& h, const auto& alpha,
                                        const auto& least, const auto& then) {
    auto near = alpha * h; // near + far = 1
    auto far = r * h;
    auto low = least * h;
    auto across = far + low;
    auto twice = near + near;
    auto reach = far + twice;
    auto rest = near * low;
    auto along = fma(far, reach, rest);
    auto log_across = log(across);
    auto log_along = log(along);
    auto log_det = fma(D - 1, log_across, log_along);
    then(log_det);
  }
};

} // namespace detail

/// A radial flow: `normal<2> | radial | radial`. Parameters: x0 (D), alpha' and beta'.
inline constexpr mixing_t<detail::radial_map> radial{};

} // namespace bijou::inline BIJOU_ISA

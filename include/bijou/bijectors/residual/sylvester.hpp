#pragma once
/// \file
/// `sylvester`: pushes samples along D directions at once, by D ridges; `planar` has one of each.
///
/// y = x + Q R tanh(S Q^T x + b), R and S upper triangular with diagonals r = tanh(R_diag) and
/// s = tanh(S_diag), Q = H_1 ... H_K of reflections; with t = tanh(S Q^T x + b),
/// log|det dy/dx| = sum_i log(1 + (1 - t_i^2) r_i s_i). |r_i s_i| < 1, so that the map is one to
/// one. All of R^D to all of R^D. The inverse solves v + R tanh(S v + b) = Q^T y for v = Q^T x.
///
/// van den Berg et al. 2018 (1803.05649): the Householder variety, with as many ridges as variables
/// and Q of reflections.

#include <bijou/bijectors/mixing.hpp>
#include <bijou/bijectors/residual/ridges_under.hpp>
#include <bijou/reverse/reflections.hpp>

#include <array>
#include <string>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// 1 + tanh a tanh c = cosh(a + c) / (cosh a cosh c) of exponentials: it does not cancel where one
/// tanh is near 1 and the other near -1.
struct stretch_of_diagonals {
  static constexpr bool is_long = true;
  template <class P> BIJOU_INLINE static P value(P a, P c) {
    const P p = falling(a), q = falling(c), one(1);
    const auto opposite = (copysign(one, a) * copysign(one, c)) < P(0);
    const P sum = select(opposite, p + q, fma(p, q, one));
    return sum * (over(p) * over(q)) * P(typename P::value_type(0.5));
  }
  template <class P, class A, class B>
  BIJOU_INLINE static void pull_back(P g, P, P a, P c, A to_a, B to_c) {
    to_a.add(g * slope(a), math::tanh(c));
    to_c.add(g * slope(c), math::tanh(a));
  }

 private:
  template <class P> BIJOU_INLINE static P falling(P a) { return math::exp(P(-2) * abs(a)); }
  template <class P> BIJOU_INLINE static P over(P p) { return P(2) / (P(1) + p); }
  /// Of tanh.
  template <class P> BIJOU_INLINE static P slope(P a) {
    const P p = falling(a);
    return p * (over(p) * over(p));
  }
};

/// The formulas of `sylvester`. Cost of a sample: 4 K D + D (D + 1) multiply-adds, D tanh and D
/// logarithms; of the inverse as many, and D equations.
template <int K> struct sylvester_map {
  static constexpr const char* inverse_by =
      "6 Newton steps for each variable, 10 where it is steep";
  template <int D> static constexpr int reflections = K > 0 ? K : D / 2 + 1;
  template <int D> static constexpr int kept = 2 * D;
  static constexpr double near_identity = 1e-4 / 3; // Pyro's variance
  template <int D>
  static constexpr std::array parameters{
      parameter{"R_dense", D, D}.normal_of_variance(0, near_identity).above_diagonal(),
      parameter{"S_dense", D, D}.normal_of_variance(0, near_identity).above_diagonal(),
      parameter{"R_diag", D}.normal_of_variance(0, near_identity),
      parameter{"S_diag", D}.normal_of_variance(0, near_identity),
      parameter{"b", D}.normal_of_variance(0, near_identity),
      parameter{"u_unnormed", reflections<D>, D}.normal_of_variance(0, 1 / (3.0 * D))};
  std::string text() const {
    return K > 0 ? "sylvester.reflections<" + std::to_string(K) + ">()" : "sylvester";
  }

  void prepare(const auto& r_dense, const auto& s_dense, const auto& r_diag, const auto& s_diag,
               const auto& b, const auto& u, const auto& then) const {
    auto factors = reflection_factors(u);
    auto r = tanh(r_diag);
    auto s = tanh(s_diag);
    auto stretch = reverse_mode::apply<stretch_of_diagonals>(r_diag, s_diag);
    then(r_dense, s_dense, r, s, stretch, b, u, factors);
  }
  void forward(const auto& x, auto& y, const auto& r_dense, const auto& s_dense, const auto& r,
               const auto& s, const auto& stretch, const auto& b, const auto& u,
               const auto& factors) const {
    auto turned = reflect<to_ridges>(u, factors, x, y.kept());
    auto heights = multiply<upper>(s_dense, s, turned, b);
    auto ridges = tanh(heights, y.kept());
    with_push(
        ridges, r_dense, r, stretch, u,
        factors, [&](const auto& volume, const auto& push) __attribute__((always_inline)) {
          y.log_det(volume);
          y.add(push);
        });
  }
  void inverse(const auto& y, auto& x, const auto& r_dense, const auto& s_dense, const auto& r,
               const auto& s, const auto& stretch, const auto& b, const auto& u,
               const auto& factors) const {
    auto turned = reflect<to_ridges>(u, factors, y);
    auto ridges = reverse_mode::detail::vector_made_by(
        ridges_under<decltype(r_dense.entries()), decltype(r.view()), decltype(b.view()),
                     decltype(turned.view())>{r_dense.entries(), s_dense.entries(), r.view(),
                                              s.view(), stretch.view(), b.view(), turned.view()},
        x.kept());
    with_push(
        ridges, r_dense, r, stretch, u,
        factors, [&](const auto& volume, const auto& push) __attribute__((always_inline)) {
          auto log_det = -volume;
          x.log_det(log_det);
          x.subtract(push);
        });
  }

 private:
  /// then(log|det dy/dx|, Q R t)
  BIJOU_INLINE static void with_push(const auto& ridges, const auto& r_dense, const auto& r,
                                     const auto& stretch, const auto& u, const auto& factors,
                                     const auto& then) {
    auto slopes = reverse_mode::apply<ridge_slope>(ridges, stretch);
    auto logs = log(slopes);
    auto volume = sum(logs);
    auto raised = multiply<upper>(r_dense, r, ridges);
    auto push = reflect<from_ridges>(u, factors, raised);
    then(volume, push);
  }
  static constexpr auto upper = reverse_mode::triangle::upper;
  static constexpr auto to_ridges = reverse_mode::reflection_order::first_to_last;   // Q^T
  static constexpr auto from_ridges = reverse_mode::reflection_order::last_to_first; // Q
};

} // namespace detail

/// The word. `.reflections<K>()`: Q is a product of K (default: D / 2 + 1, Pyro's). All else is
/// free, and learned.
template <int K = 0> struct sylvester_t : mixing_t<detail::sylvester_map<K>> {
  template <int N>
    requires(N > 0)
  constexpr sylvester_t<N> reflections() const {
    return {};
  }
};

/// A Sylvester flow: `normal<8> | sylvester | sylvester`.
inline constexpr sylvester_t<> sylvester{};

} // namespace bijou::inline BIJOU_ISA

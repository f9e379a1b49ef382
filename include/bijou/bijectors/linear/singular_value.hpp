#pragma once
/// \file
/// `singular_value<K>`: a learned affine map by the singular values of its matrix, y = A x + b.
///
/// A = U diag(s) V^T with U and V^T products of K reflections each, applied in the order of their
/// rows, and s_d = softplus(c_d) + 0.001 > 0; log|det dy/dx| = sum_d log s_d. The inverse divides
/// by s between the same reflections the other way round. All of R^D to all of R^D. The condition
/// number of A is the largest s over the smallest: what is learned shows how far it stretches.
///
/// The definition is that of `SVDLinear` in nflows; the reflections are those of Tomczak and
/// Welling 2016 (1611.09630).

#include <bijou/bijectors/mixing.hpp>
#include <bijou/reverse/reflections.hpp>

#include <array>
#include <string>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// The formulas of `singular_value<K>`; it begins as an orthogonal map, with all s_d = 1. Cost of a
/// sample: 4 K D + D multiply-adds in either direction; of the inverse D quotients as well. A tile
/// takes 2 K D multiply-adds, D softplus and D logarithms.
template <int K> struct singular_value_map {
  template <int D> static constexpr int kept = 2 * D;
  static constexpr double least_singular_value = 1e-3;
  static constexpr double unconstrained_one = 0.539742417236952; ///< log(exp(1 - 1e-3) - 1)
  template <int D>
  static constexpr std::array parameters{
      parameter{"u_unnormed", K, D}.normal_of_variance(0, 1 / (3.0 * D)),
      parameter{"diagonal", D}.normal(unconstrained_one, 0),
      parameter{"v_unnormed", K, D}.normal_of_variance(0, 1 / (3.0 * D)), parameter{"bias", D}};
  std::string text() const { return "singular_value<" + std::to_string(K) + ">"; }

  void prepare(const auto& u, const auto& unconstrained, const auto& v, const auto& bias,
               const auto& then) const {
    auto u_factors = reflection_factors(u);
    auto v_factors = reflection_factors(v);
    auto positive = softplus(unconstrained);
    auto stretches = positive + least_singular_value;
    auto logs = log(stretches);
    then(u, u_factors, stretches, logs, v, v_factors, bias);
  }
  void forward(const auto& x, auto& y, const auto& u, const auto& u_factors, const auto& stretches,
               const auto& logs, const auto& v, const auto& v_factors, const auto& bias) const {
    constexpr auto order = reverse_mode::reflection_order::first_to_last;
    auto turned = reflect<order>(v, v_factors, x, y.kept());
    auto stretched = turned * stretches;
    auto turned_again = reflect<order>(u, u_factors, stretched, y.kept());
    auto moved = turned_again + bias;
    y.log_det(logs);
    y.set(moved);
  }
  void inverse(const auto& y, auto& x, const auto& u, const auto& u_factors, const auto& stretches,
               const auto& logs, const auto& v, const auto& v_factors, const auto& bias) const {
    constexpr auto order = reverse_mode::reflection_order::last_to_first;
    auto centred = y - bias;
    auto turned = reflect<order>(u, u_factors, centred, x.kept());
    auto shrunk = turned / stretches;
    auto moved = reflect<order>(v, v_factors, shrunk, x.kept());
    auto log_det = -logs;
    x.log_det(log_det);
    x.set(moved);
  }
};

} // namespace detail

/// y = U diag(s) V^T x + b with 2 K learned reflections: `normal<8> | singular_value<4> | iaf<32>`.
/// K = D makes every affine map whose singular values are above 0.001 and whose determinant is
/// above 0.
template <int K>
  requires(K > 0)
inline constexpr mixing_t<detail::singular_value_map<K>> singular_value{};

} // namespace bijou::inline BIJOU_ISA

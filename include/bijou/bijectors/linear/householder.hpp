#pragma once
/// \file
/// `householder<K>`: an orthogonal map, learned as K reflections. Log-det 0.
///
/// y = H_K ... H_1 x with H_k = 1 - 2 u_k u_k^T / |u_k|^2; the inverse applies them the other way
/// round. All of R^D to all of R^D. Tomczak and Welling 2016 (1611.09630).

#include <bijou/bijectors/mixing.hpp>
#include <bijou/reverse/reflections.hpp>

#include <array>
#include <string>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// The formulas of `householder<K>`. Cost of a sample: 2 K D multiply-adds.
template <int K> struct householder_map {
  template <int D> static constexpr int kept = D;
  template <int D>
  static constexpr std::array parameters{
      parameter{"u_unnormed", K, D}.normal_of_variance(0, 1 / (3.0 * D))};
  std::string text() const { return "householder<" + std::to_string(K) + ">"; }

  template <class U, class Then> void prepare(const U& u, const Then& then) const {
    auto factors = reflection_factors(u);
    then(u, factors);
  }
  void forward(const auto& x, auto& y, const auto& u, const auto& factors) const {
    constexpr auto order = reverse_mode::reflection_order::first_to_last;
    auto turned = reflect<order>(u, factors, x, y.kept());
    y.set(turned);
  }
  void inverse(const auto& y, auto& x, const auto& u, const auto& factors) const {
    constexpr auto order = reverse_mode::reflection_order::last_to_first;
    auto turned = reflect<order>(u, factors, y, x.kept());
    x.set(turned);
  }
};

} // namespace detail

/// K learned reflections: `householder<2> | affine`. D of them make any orthogonal map.
template <int K>
  requires(K > 0)
inline constexpr mixing_t<detail::householder_map<K>> householder{};

} // namespace bijou::inline BIJOU_ISA

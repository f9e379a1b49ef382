#pragma once
/// \file
/// The planar map in a user's words: with values prepared and kept, and without an inverse.

#include <bijou/bijectors/mixing.hpp>

#include <array>

namespace bijou::testing {

/// `planar` for w other than 0.
struct planar_formulas {
  static constexpr int kept = 1;
  template <int D>
  static constexpr std::array parameters{parameter{"u", D}.normal(0, 0.4),
                                         parameter{"w", D}.normal(0, 0.4), parameter{"bias"}};

  template <class U, class W, class B, class Then>
  void prepare(const U& u, const W& w, const B& bias, const Then& then) const {
    auto along = dot(w, u);
    auto squared = dot(w, w);
    auto stretch = softplus(along);
    auto raised = stretch - 1;
    auto over = raised - along;
    auto excess = over / squared;
    auto u_hat = fma(excess, w, u);
    then(u_hat, w, bias, stretch);
  }
  template <class X, class Y, class U, class W, class B, class S>
  void forward(const X& x, Y& y, const U& u_hat, const W& w, const B& bias,
               const S& stretch) const {
    auto height = dot(w, x, bias);
    auto bent = tanh(height, y.kept());
    auto slope = fnma(bent, bent, 1);
    auto across = slope * stretch;
    auto det = fma(bent, bent, across);
    auto log_slope = log(det);
    y.log_det(log_slope);
    y.add(u_hat, bent);
  }
};

} // namespace bijou::testing

#pragma once
/// \file
/// `haar<Levels>`: the orthonormal Haar wavelet transform of the variables. Nothing is learned;
/// log-det 0.
///
/// One level sends n numbers to floor(n / 2) means (x_2i + x_2i+1) / sqrt(2), as many differences
/// (x_2i - x_2i+1) / sqrt(2) behind them, and, of an odd n, the last number as it is. The next
/// level does the same with the means. The inverse undoes level by level. All of R^D to all of R^D.
///
/// Haar 1910 (Mathematische Annalen 69, 331); order, signs and odd tails are those of Pyro's
/// `HaarTransform`, which has all levels.

#include <bijou/bijectors/mixing.hpp>
#include <bijou/reverse/orthogonal.hpp>

#include <cstddef>
#include <string>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// All levels of a Haar transform, or the first ones. Levels = 0: all.
template <int Levels> struct haar_transform {
  template <int D, class P> BIJOU_INLINE static void forward(const P* x, P* y) {
    const P root_half(half_root<P>);
    for (int d = 0; d < D; ++d) y[d] = x[d];
    for (int level = 0; level < levels<D>; ++level) {
      // Differences take the places of later pairs, so that all pairs are read first.
      const int pairs = D >> (level + 1);
      P means[room<D>], differences[room<D>];
      for (int i = 0; i < pairs; ++i) {
        const P even = y[2 * i], odd = y[2 * i + 1];
        means[i] = (even + odd) * root_half;
        differences[i] = (even - odd) * root_half;
      }
      for (int i = 0; i < pairs; ++i) {
        y[i] = means[i];
        y[pairs + i] = differences[i];
      }
    }
  }
  template <int D, class P> BIJOU_INLINE static void back(const P* y, P* x) {
    const P root_half(half_root<P>);
    for (int d = 0; d < D; ++d) x[d] = y[d];
    for (int level = levels<D> - 1; level >= 0; --level) {
      const int pairs = D >> (level + 1);
      P pair[2 * room<D>];
      for (int i = 0; i < pairs; ++i) {
        const P mean = x[i], difference = x[pairs + i];
        pair[2 * i] = (mean + difference) * root_half;
        pair[2 * i + 1] = (mean - difference) * root_half;
      }
      for (int i = 0; i < 2 * pairs; ++i) x[i] = pair[i];
    }
  }

 private:
  template <class P>
  static constexpr auto half_root =
      static_cast<typename P::value_type>(0.70710678118654752440084436210484904L);
  /// Numbers of one kind on the first level; an array has at least one.
  template <int D> static constexpr std::size_t room = D > 1 ? static_cast<std::size_t>(D / 2) : 1;
  /// How many levels have a pair: D halves, rounded down, until one number is left.
  template <int D>
  static constexpr int levels = [] {
    int n = 0;
    while (D >> (n + 1) > 0 && (Levels == 0 || n < Levels)) ++n;
    return n;
  }();
};

/// The formulas of `haar<Levels>`. Cost of a sample: 2 D additions and as many products at most, in
/// either direction; of its adjoint the same.
template <int Levels> struct haar_map {
  std::string text() const {
    return Levels == 0 ? "haar<>" : "haar<" + std::to_string(Levels) + ">";
  }

  void forward(const auto& x, auto& y) const {
    auto turned = reverse_mode::turn<haar_transform<Levels>>(x);
    y.set(turned);
  }
  void inverse(const auto& y, auto& x) const {
    auto turned = reverse_mode::turn_back<haar_transform<Levels>>(y);
    x.set(turned);
  }
};

} // namespace detail

/// A Haar wavelet transform of all levels, `normal<16> | affine | inverse(haar<>)`, or of the first
/// ones, `haar<2>`. More levels than have a pair are as many as have.
template <int Levels = 0>
  requires(Levels >= 0)
inline constexpr mixing_t<detail::haar_map<Levels>> haar{};

} // namespace bijou::inline BIJOU_ISA

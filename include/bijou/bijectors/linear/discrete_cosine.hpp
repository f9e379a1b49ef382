#pragma once
/// \file
/// `discrete_cosine`: the orthonormal discrete cosine transform of the variables. Nothing is
/// learned; log-det 0.
///
/// y_k = a_k sum_n x_n cos(pi (2 n + 1) k / (2 D)) with a_0 = sqrt(1 / D) and a_k = sqrt(2 / D)
/// otherwise: DCT-II. The inverse is the transpose, DCT-III. All of R^D to all of R^D.
///
/// Ahmed, Natarajan and Rao 1974 (IEEE Transactions on Computers C-23, 90), equations 1 and 2; the
/// scaling is that of `DiscreteCosine` in flowjax.

#include <bijou/bijectors/mixing.hpp>
#include <bijou/reverse/orthogonal.hpp>

#include <array>
#include <cstddef>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// sqrt(v) for v > 0, as a constant: Newton's steps.
constexpr long double constant_root(long double v) {
  long double root = 1;
  for (int i = 0; i < 64; ++i) root = (root + v / root) / 2;
  return root;
}
/// cos(pi m / (2 D)) as a constant, 0 <= m < 4 D: the first eighth of a turn by series, all else by
/// symmetries, which are exact.
constexpr long double constant_cosine(int m, int D) {
  constexpr long double pi = 3.14159265358979323846264338327950288L;
  if (m > 2 * D) return constant_cosine(4 * D - m, D);
  if (m > D) return -constant_cosine(2 * D - m, D);
  const bool as_sine = 2 * m > D;
  const long double angle = pi * (as_sine ? D - m : m) / (2 * D);
  long double term = as_sine ? angle : 1, sum = 0;
  for (int i = as_sine ? 1 : 0; i < 32; i += 2) {
    sum += term;
    term *= -angle * angle / ((i + 1) * (i + 2));
  }
  return sum;
}
/// sqrt(2 / D) cos(pi m / (2 D)) for all m, a whole turn: 4 D numbers, rounded once each.
template <class T, int D>
inline constexpr auto cosines_of_a_turn = [] {
  std::array<T, static_cast<std::size_t>(4 * D)> table{};
  const long double factor = constant_root(2.0L / D);
  for (int m = 0; m < 4 * D; ++m) at(table, m) = static_cast<T>(factor * constant_cosine(m, D));
  return table;
}();
template <class T, int D>
inline constexpr T share_of_the_mean = static_cast<T>(constant_root(1.0L / D));

/// DCT-II as a sum for each variable. Entry (k, n) is the cosine number (2 n + 1) k of a turn, so
/// that along a row or a column of the matrix the place in the table grows by equal steps: a matrix
/// of D^2 numbers would not stay in a first-level cache.
struct cosine_transform {
  template <int D, class P> BIJOU_INLINE static void forward(const P* x, P* y) {
    using T = typename P::value_type;
    const T* const table = cosines_of_a_turn<T, D>.data();
    P mean(T(0));
    for (int n = 0; n < D; ++n) mean = fma(P(share_of_the_mean<T, D>), x[n], mean);
    y[0] = mean;
    for (int k = 1; k < D; ++k) {
      P sum(T(0));
      for (int n = 0, m = k; n < D; ++n, m = advanced<D>(m, 2 * k))
        sum = fma(P(table[m]), x[n], sum);
      y[k] = sum;
    }
  }
  template <int D, class P> BIJOU_INLINE static void back(const P* y, P* x) {
    using T = typename P::value_type;
    const T* const table = cosines_of_a_turn<T, D>.data();
    for (int n = 0; n < D; ++n) {
      const int step = 2 * n + 1;
      P sum = P(share_of_the_mean<T, D>) * y[0];
      for (int k = 1, m = step; k < D; ++k, m = advanced<D>(m, step))
        sum = fma(P(table[m]), y[k], sum);
      x[n] = sum;
    }
  }

 private:
  /// step < 2 D
  template <int D> BIJOU_INLINE static int advanced(int m, int step) {
    const int next = m + step;
    return next < 4 * D ? next : next - 4 * D;
  }
};

/// The formulas of `discrete_cosine`. Cost of a sample: D^2 multiply-adds in either direction; of
/// its adjoint as many.
struct discrete_cosine_map {
  static constexpr const char* name = "discrete_cosine";

  void forward(const auto& x, auto& y) const {
    auto turned = reverse_mode::turn<cosine_transform>(x);
    y.set(turned);
  }
  void inverse(const auto& y, auto& x) const {
    auto turned = reverse_mode::turn_back<cosine_transform>(y);
    x.set(turned);
  }
};

} // namespace detail

/// The discrete cosine transform: `normal<16> | affine | inverse(discrete_cosine)` draws smooth
/// curves if the scales fall with the frequency.
inline constexpr mixing_t<detail::discrete_cosine_map> discrete_cosine{};

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// The ridges of a Sylvester map under a point: the equation that its inverse solves, as a
/// primitive of reverse mode by scope (reverse/number.hpp).

#include <bijou/bijectors/residual/ridge_root.hpp>
#include <bijou/reverse/triangles.hpp>

namespace bijou::inline BIJOU_ISA::detail {

/// t = tanh(S v + b) with v + R t = w.
///
/// From the last variable to the first, each t_i is the tanh of one root. With h = 1 - t^2 and l
/// the cotangent of S v + b, l + h R^T S^T l = h g_t: a substitution from the first to the last.
template <class Matrix, class View, class Bias, class W> struct ridges_under {
  using value_type = typename Matrix::value_type;
  using P = simd::pack<value_type>;
  using column = reverse_mode::detail::column_of<P, Matrix::rows>;
  static constexpr int size = Matrix::rows;
  static constexpr bool is_active = Matrix::is_active;
  Matrix r_dense, s_dense;
  View r, s, stretch;
  Bias bias;
  W w;

  BIJOU_INLINE void evaluate(P* t) const {
    column v;
    for (int i = size - 1; i >= 0; --i) {
      const P moved = moved_by_later(i, t), height = row_times(s_dense, i, v, bias.value(i));
      t[i] = math::tanh(ridge_root(stretch.value(i), fma(s.value(i), moved, height)));
      v[i] = fnma(r.value(i), t[i], moved);
    }
  }
  BIJOU_INLINE void pull_back(const P* g, const P* t) const {
    column v, l, m; // m = S^T l, the cotangent of w
    for (int i = 0; i < size; ++i) {
      v[i] = fnma(r.value(i), t[i], moved_by_later(i, t));
      const P before = column_times(s_dense, i, l, P(value_type(0)));
      const P raised = column_times(r_dense, i, m, r.value(i) * before);
      l[i] = ridge_slope::foot(t[i]) * (g[i] - raised) / ridge_slope::value(t[i], stretch.value(i));
      m[i] = fma(s.value(i), l[i], before);
      bias.add(i, l[i]);
      s.add(i, l[i], v[i]);
      r.subtract(i, m[i], t[i]);
      w.add(i, m[i]);
    }
    reverse_mode::detail::add_outer<upper>(s_dense, l, v);
    reverse_mode::detail::add_outer<upper, true>(r_dense, m, t);
  }

 private:
  static constexpr auto upper = reverse_mode::triangle::upper;
  BIJOU_INLINE static P row_times(const Matrix& a, int i, const P* x, P sum) {
    return reverse_mode::detail::row_times<upper>(a, i, x, sum);
  }
  BIJOU_INLINE static P column_times(const Matrix& a, int i, const P* x, P sum) {
    return reverse_mode::detail::column_times<upper>(a, i, x, sum);
  }
  BIJOU_INLINE P moved_by_later(int i, const P* t) const {
    return w.value(i) - row_times(r_dense, i, t, P(value_type(0)));
  }
};

} // namespace bijou::inline BIJOU_ISA::detail

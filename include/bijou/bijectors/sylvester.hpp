#pragma once
/// \file
/// `sylvester`: pushes samples along D directions at once, by D ridges; `planar` has one of each.
///
/// y = x + Q R tanh(S Q^T x + b), R and S upper triangular with diagonals r = tanh(R_diag) and
/// s = tanh(S_diag), Q = H_1 ... H_K of reflections; with t = tanh(S Q^T x + b),
/// log|det dy/dx| = sum_i log(1 + (1 - t_i^2) r_i s_i). |r_i s_i| < 1, so that the map is one to
/// one. All of R^D to all of R^D. There is no closed inverse: the flow scores its own samples.
/// `numerically_inverted(sylvester)` solves v + R tanh(S v + b) = Q^T y for v = Q^T x from the last
/// variable to the first: each needs one scalar equation in z_i = (S v + b)_i.
///
/// van den Berg et al. 2018 (1803.05649): the Householder variety, with as many ridges as variables
/// and Q of reflections.

#include <bijou/bijectors/layer.hpp>
#include <bijou/bijectors/permute.hpp>
#include <bijou/bijectors/reflections.hpp>
#include <bijou/bijectors/ridge_root.hpp>
#include <bijou/bijectors/word_parameters.hpp>
#include <bijou/grammar/place.hpp>
#include <bijou/kernels/math.hpp>

#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

template <int K, int D> struct sylvester_parameters {
  static constexpr int r_dense = 0, s_dense = D * D, r_diagonal = 2 * D * D;
  static constexpr int s_diagonal = r_diagonal + D, bias = s_diagonal + D, u = bias + D;
  static constexpr int count = u + K * D;
  static constexpr std::array tensors{word_tensor{"R_dense", r_dense, D, D},
                                      word_tensor{"R_diag", r_diagonal, D},
                                      word_tensor{"S_dense", s_dense, D, D},
                                      word_tensor{"S_diag", s_diagonal, D},
                                      word_tensor{"b", bias, D},
                                      word_tensor{"u_unnormed", u, K, D}};
  /// On and below the diagonals the dense matrices have no parameters.
  static constexpr bool owns(int i) {
    const int in_matrix = i % (D * D);
    return i >= r_diagonal || in_matrix % D > in_matrix / D;
  }
};

/// An upper triangular matrix, its diagonal kept apart.
template <class T, int D> struct upper_triangle {
  using pack = simd::pack<T>;
  const T* dense;
  per_variable<T, D> diagonal;

  /// Row i of the product with v, added to `start`.
  BIJOU_INLINE pack row(int i, pack start, const per_variable<pack, D>& v) const {
    return above(i, fma(pack(at(diagonal, i)), at(v, i), start), v);
  }
  /// The same without the diagonal.
  BIJOU_INLINE pack above(int i, pack start, const per_variable<pack, D>& v) const {
    pack sum = start;
    for (int j = i + 1; j < D; ++j) sum = fma(pack(dense[i * D + j]), at(v, j), sum);
    return sum;
  }
  /// Row j of the transpose's product with v.
  BIJOU_INLINE pack column(int j, const per_variable<pack, D>& v) const {
    pack sum(T(0));
    for (int i = 0; i < j; ++i) sum = fma(pack(dense[i * D + j]), at(v, i), sum);
    return fma(pack(at(diagonal, j)), at(v, j), sum);
  }
};

} // namespace detail

/// The map of `sylvester` on a tile. Tape: Q^T x and the tanh. Cost of a sample: 4 K D + D (D + 1)
/// multiply-adds, D tanh and D logarithms; its adjoint about three times the multiply-adds.
template <class T, int L, int D, int K>
class sylvester_layer : public word_rows<T, L, D, detail::sylvester_parameters<K, D>> {
  using variables = word_rows<T, L, D, detail::sylvester_parameters<K, D>>;
  using typename variables::pack;
  using variables::row_of, variables::rows_at, variables::store, variables::values_of;
  using names = detail::sylvester_parameters<K, D>;
  using reflections = detail::reflections<T, D, K>;
  using triangle = detail::upper_triangle<T, D>;
  template <class V> using each = detail::per_variable<V, D>;

 public:
  static constexpr int scratch_rows = 2 * D; // the adjoint's
  static constexpr int tape_rows = 2 * D;

  using variables::variables;

  void forward(const tile<T>& t) const { map_rows<false>(t, nullptr); }
  void forward(const tile<T>& t, T* tape) const { map_rows<true>(t, tape); }
  void forward(const event_tile<T>& e) const {
    const matrices m(this->theta_of(e.theta));
    each<pack> x = values_of(e), turned, ridges;
    const pack log_det = m.map(x, turned, ridges);
    store(x, e);
    *e.log_det = (pack(*e.log_det) + log_det).first();
  }

  void forward_adjoint(const cotangent_tile<T>& t, const T* tape) const {
    const matrices m(this->theta_of(t.theta));
    T* const g_pushes = t.scratch;          // of R tanh
    T* const g_heights = t.scratch + D * L; // of S Q^T x + b
    typename reflections::sums g_u;
    each<pack> g_stretch;
    g_stretch.fill(pack(T(0)));
    for (int s = 0; s < t.lanes; s += pack::size) {
      const pack g_log_det = pack::load(t.log_det + s);
      const each<pack> ridges = block_at(tape + D * L + s);
      each<pack> turned = block_at(tape + s), pushes, g_push = rows_at(t.g + s), g_height, g_turned;
      m.q.template map<false>(g_push);
      for (int i = 0; i < D; ++i) {
        detail::at(pushes, i) = m.r.row(i, pack(T(0)), ridges);
        const pack ridge = detail::at(ridges, i), slope = m.slope(ridge);
        const pack by_det = g_log_det / m.det(i, ridge);
        // d det / d height = -2 tanh slope r s
        const pack bend = (ridge * slope) * pack(detail::at(m.bend, i));
        detail::at(g_height, i) = fma(m.r.column(i, g_push), slope, by_det * bend);
        detail::at(g_stretch, i) = fma(by_det, slope, detail::at(g_stretch, i));
        detail::at(g_push, i).store(g_pushes + i * L + s);
        detail::at(g_height, i).store(g_heights + i * L + s);
      }
      for (int j = 0; j < D; ++j) detail::at(g_turned, j) = m.s.column(j, g_height);
      // Q^T maps x to `turned`; it also maps g_y to g_push, of which `pushes` is the cotangent.
      m.q.template pull_back<false>(turned, g_turned, g_u);
      m.q.template pull_back<false>(g_push, pushes, g_u);
      detail::for_each_variable<D>([&](int d) {
        T* const g = t.g + row_of(d) * L + s;
        (pack::load(g) + detail::at(g_turned, d)).store(g);
      });
    }
    T* gradient = this->theta_of(t.gradient);
    m.q.add(g_u, gradient + names::u);
    add_matrices(t, tape, m, g_stretch);
  }

  /// Data to noise: see numerically_inverted.hpp.
  template <class Tile> void solve(const Tile& t) const {
    this->move_back(t, matrices(this->theta_of(t.theta)));
  }
  /// With h the slopes, lambda = Q m where m = Q^T g_x - S^T a and a = h R^T m + g_l dl/dz: from
  /// the first variable to the last, each needs only those before it.
  void solve_transposed(const cotangent_tile<T>& t, const T* tape) const {
    const matrices m(this->theta_of(t.theta));
    for (int s = 0; s < t.lanes; s += pack::size) {
      const pack g_log_det = pack::load(t.log_det + s);
      const each<pack> ridges = block_at(tape + D * L + s);
      each<pack> g = rows_at(t.g + s), g_height;
      m.q.template map<false>(g);
      for (int i = 0; i < D; ++i) {
        const pack ridge = detail::at(ridges, i), slope = m.slope(ridge), det = m.det(i, ridge);
        pack &here = detail::at(g, i), &height = detail::at(g_height, i);
        height = pack(T(0)); // for the column's own entry
        here -= m.s.column(i, g_height);
        const pack bend = (ridge * slope) * pack(detail::at(m.bend, i));
        height = fma(m.r.column(i, g), slope, g_log_det / det * bend) / det;
        here = fnma(pack(detail::at(m.s.diagonal, i)), height, here);
      }
      m.q.template map<true>(g);
      store(g, t.g + s);
    }
  }

  /// Matrices and b normal with deviation 0.01 / sqrt(3), reflections with 1 / sqrt(3 D): the
  /// variances of Pyro's.
  template <class Random> void initialise(T* parameters, Random&& random) const {
    T* theta = this->theta_of(parameters);
    const double near_identity = 0.01 / std::sqrt(3.0), direction = 1 / std::sqrt(3.0 * D);
    for (int i = 0; i < names::count; ++i)
      theta[i] = static_cast<T>((i < names::u ? near_identity : direction) * random());
  }

 private:
  /// The parameters as the map uses them, the same for all samples.
  struct matrices {
    const T* theta;
    reflections q; ///< its map is Q^T
    triangle r, s;
    each<T> r_slope, s_slope; ///< of the diagonals' tanh
    each<T> stretch;          ///< 1 + r_i s_i > 0
    each<T> bend;             ///< -2 r_i s_i

    explicit matrices(const T* parameters)
        : theta(parameters), q(parameters + names::u), r{parameters + names::r_dense, {}},
          s{parameters + names::s_dense, {}} {
      const pack one(T(1)), two(T(2));
      for (int i = 0; i < D; ++i) {
        const pack a(theta[names::r_diagonal + i]), c(theta[names::s_diagonal + i]);
        const pack r_i = math::tanh(a), s_i = math::tanh(c);
        detail::at(r.diagonal, i) = r_i.first();
        detail::at(s.diagonal, i) = s_i.first();
        detail::at(bend, i) = (pack(T(-2)) * (r_i * s_i)).first();
        // Of exponentials, so that neither cancels where a tanh is near 1.
        const pack p = math::exp(pack(T(-2)) * abs(a)), q_i = math::exp(pack(T(-2)) * abs(c));
        const pack over_r = two / (one + p), over_s = two / (one + q_i);
        detail::at(r_slope, i) = (p * (over_r * over_r)).first();
        detail::at(s_slope, i) = (q_i * (over_s * over_s)).first();
        const bool opposite = (a.first() < T(0)) != (c.first() < T(0));
        const pack sum = opposite ? p + q_i : fma(p, q_i, one);
        detail::at(stretch, i) = (sum * (over_r * over_s) * pack(T(0.5))).first();
      }
    }

    /// Of tanh.
    BIJOU_INLINE static pack slope(pack ridge) { return fnma(ridge, ridge, pack(T(1))); }
    /// 1 + slope r_i s_i as a sum of two terms above 0: it cannot cancel.
    BIJOU_INLINE pack det(int i, pack ridge) const {
      return fma(ridge, ridge, slope(ridge) * pack(detail::at(stretch, i)));
    }
    BIJOU_INLINE each<pack> moved_back(each<pack> y) const {
      each<pack> turned = y, ridges, push;
      q.template map<false>(turned);
      for (int i = D - 1; i >= 0; --i) {
        pack& here = detail::at(turned, i);
        const pack moved = here - r.above(i, pack(T(0)), ridges);
        const pack height = s.above(i, pack(theta[names::bias + i]), turned);
        const pack start = fma(pack(detail::at(s.diagonal, i)), moved, height);
        const pack ridge = math::tanh(detail::ridge_root(detail::at(stretch, i), start));
        detail::at(ridges, i) = ridge;
        here = fnma(pack(detail::at(r.diagonal, i)), ridge, moved);
      }
      for (int i = 0; i < D; ++i) detail::at(push, i) = r.row(i, pack(T(0)), ridges);
      q.template map<true>(push);
      detail::for_each_variable<D>([&](int d) { detail::at(y, d) -= detail::at(push, d); });
      return y;
    }
    /// Moves x; gives Q^T x, the tanh, and the log-det.
    BIJOU_INLINE pack map(each<pack>& x, each<pack>& turned, each<pack>& ridges) const {
      turned = x;
      q.template map<false>(turned);
      pack log_det(T(0));
      for (int i = 0; i < D; ++i) {
        const pack ridge = math::tanh(s.row(i, pack(theta[names::bias + i]), turned));
        detail::at(ridges, i) = ridge;
        log_det += math::log(det(i, ridge));
      }
      each<pack> push;
      for (int i = 0; i < D; ++i) detail::at(push, i) = r.row(i, pack(T(0)), ridges);
      q.template map<true>(push);
      detail::for_each_variable<D>([&](int d) { detail::at(x, d) += detail::at(push, d); });
      return log_det;
    }
  };

  template <bool Keep> void map_rows(const tile<T>& t, T* tape) const {
    const matrices m(this->theta_of(t.theta));
    for (int s = 0; s < t.lanes; s += pack::size) {
      each<pack> x = rows_at(t.x + s), turned, ridges;
      const pack log_det = m.map(x, turned, ridges);
      detail::for_each_variable<D>([&](int d) {
        detail::at(x, d).store(t.x + row_of(d) * L + s);
        if constexpr (Keep) {
          detail::at(turned, d).store(tape + d * L + s);
          detail::at(ridges, d).store(tape + (D + d) * L + s);
        }
      });
      (pack::load(t.log_det + s) + log_det).store(t.log_det + s);
    }
  }

  /// The gradient by R, S and b, from the tape and what the adjoint left in the scratch.
  void add_matrices(const cotangent_tile<T>& t, const T* tape, const matrices& m,
                    const each<pack>& g_stretch) const {
    const T *turned = tape, *ridges = tape + D * L;
    const T *g_pushes = t.scratch, *g_heights = t.scratch + D * L;
    const auto product = [&](const T* a, const T* b) {
      pack sum(T(0));
      for (int s = 0; s < t.lanes; s += pack::size)
        sum = fma(pack::load(a + s), pack::load(b + s), sum);
      return detail::sum_of_lanes(sum);
    };
    T* gradient = this->theta_of(t.gradient);
    for (int i = 0; i < D; ++i) {
      const T *g_push = g_pushes + i * L, *g_height = g_heights + i * L;
      for (int j = i + 1; j < D; ++j) {
        gradient[names::r_dense + i * D + j] += product(g_push, ridges + j * L);
        gradient[names::s_dense + i * D + j] += product(g_height, turned + j * L);
      }
      const pack by_stretch(detail::sum_of_lanes(detail::at(g_stretch, i)));
      const auto diagonal = [&](T direct, T other, T slope) {
        return (fma(by_stretch, pack(other), pack(direct)) * pack(slope)).first();
      };
      gradient[names::r_diagonal + i] += diagonal(
          product(g_push, ridges + i * L), detail::at(m.s.diagonal, i), detail::at(m.r_slope, i));
      gradient[names::s_diagonal + i] += diagonal(
          product(g_height, turned + i * L), detail::at(m.r.diagonal, i), detail::at(m.s_slope, i));
      pack bias(T(0));
      for (int s = 0; s < t.lanes; s += pack::size) bias += pack::load(g_height + s);
      gradient[names::bias + i] += detail::sum_of_lanes(bias);
    }
  }

  /// Rows in the word's own order.
  BIJOU_INLINE static each<pack> block_at(const T* strip) {
    each<pack> v;
    detail::for_each_variable<D>([&](int d) { detail::at(v, d) = pack::load(strip + d * L); });
    return v;
  }
};

/// The word. `.reflections<K>()`: Q is a product of K (default: D / 2 + 1, Pyro's). All else is
/// free, and learned.
template <int K = 0> struct sylvester_t {
  using bijou_tag = word_tag;
  static constexpr rule what = rule::learned;
  static constexpr int size = 0;
  static constexpr bool invertible = false;
  static constexpr bool numerically_invertible = true;

  template <int D> static constexpr misfit fits(const place<D>& p) {
    return p.is_all(kind::line) ? misfit::none : misfit::support;
  }
  template <int D> static constexpr place<D> after(const place<D>& p) { return p; }

  template <class T, int L, int D, int C>
  using layer = sylvester_layer<T, L, D, (K > 0 ? K : D / 2 + 1)>;
  template <class T, int L, int D, int C>
  layer<T, L, D, C> realise(const detail::index_table<D>& position) const {
    return layer<T, L, D, C>(position);
  }
  std::string text() const {
    return K > 0 ? "sylvester.reflections<" + std::to_string(K) + ">()" : "sylvester";
  }

  template <int Count>
    requires(Count > 0)
  constexpr sylvester_t<Count> reflections() const {
    return {};
  }
};

/// A Sylvester flow: `normal<4> | sylvester | sylvester.reflections<4>()`.
inline constexpr sylvester_t<> sylvester{};

} // namespace bijou::inline BIJOU_ISA

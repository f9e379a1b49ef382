#pragma once
/// \file
/// `planar`: pushes samples along one direction, by a ridge across another.
///
/// y = x + u^ tanh(w.x + b), log|det dy/dx| = log(1 + (1 - tanh^2(w.x + b)) w.u^), with
/// u^ = u + (softplus(w.u) - 1 - w.u) w / |w|^2, so that w.u^ > -1 and the map is one to one.
/// All of R^D to all of R^D. There is no closed inverse: the flow scores its own samples.
/// `numerically_inverted(planar)` solves for z = w.x + b in z + (w.u^) tanh z = w.y + b; then
/// x = y - u^ tanh z.
///
/// Rezende and Mohamed 2015 (1505.05770), equations 10 to 12 and appendix A.1, with Pyro's
/// softplus(w.u) - 1 (the appendix has the same function).

#include <bijou/bijectors/layer.hpp>
#include <bijou/bijectors/permute.hpp>
#include <bijou/bijectors/ridge_root.hpp>
#include <bijou/bijectors/word_parameters.hpp>
#include <bijou/grammar/place.hpp>
#include <bijou/kernels/math.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {
template <int D> struct planar_parameters {
  static constexpr int u = 0, w = D, bias = 2 * D, count = 2 * D + 1;
  static constexpr std::array tensors{word_tensor{"bias", bias, 1}, word_tensor{"u", u, D},
                                      word_tensor{"w", w, D}};
};
} // namespace detail

/// The map of `planar` on a tile. Tape: the rows it was given and the tanh. Cost of a sample: 2 D
/// multiply-adds, a tanh and a logarithm; its adjoint about three times the multiply-adds.
template <class T, int L, int D>
class planar_layer : public word_rows<T, L, D, detail::planar_parameters<D>> {
  using variables = word_rows<T, L, D, detail::planar_parameters<D>>;
  using typename variables::pack;
  using variables::row_of, variables::rows_at, variables::store, variables::values_of;
  using names = detail::planar_parameters<D>;
  template <class V> using each = detail::per_variable<V, D>;

 public:
  static constexpr int scratch_rows = 1;
  static constexpr int tape_rows = D + 1;

  using variables::variables;

  void forward(const tile<T>& t) const { map_rows<false>(t, nullptr); }
  void forward(const tile<T>& t, T* tape) const {
    std::copy_n(t.x, D * L, tape);
    map_rows<true>(t, tape + D * L);
  }
  void forward(const event_tile<T>& e) const {
    const plane p(this->theta_of(e.theta));
    const each<pack> x = values_of(e);
    const pack ridge = math::tanh(p.height(x));
    detail::for_each_variable<D>(
        [&](int d) { e.x[row_of(d)] = p.moved(d, detail::at(x, d), ridge).first(); });
    *e.log_det = (pack(*e.log_det) + p.log_det(ridge)).first();
  }

  void forward_adjoint(const cotangent_tile<T>& t, const T* tape) const {
    const plane p(this->theta_of(t.theta));
    sums g;
    for (int s = 0; s < t.lanes; s += pack::size) {
      const pack ridge = pack::load(tape + D * L + s), g_log_det = pack::load(t.log_det + s);
      each<pack> g_y;
      pack g_ridge(T(0));
      detail::for_each_variable<D>([&](int d) {
        pack& one = detail::at(g_y, d);
        one = pack::load(t.g + row_of(d) * L + s);
        g_ridge = fma(one, pack(detail::at(p.u_hat, d)), g_ridge);
        detail::at(g.u_hat, d) = fma(one, ridge, detail::at(g.u_hat, d));
      });
      const pack slope = p.slope(ridge), by_det = g_log_det / p.det(ridge);
      const pack g_height = fma(g_ridge, slope, by_det * p.bend(ridge, slope));
      detail::for_each_variable<D>([&](int d) {
        const int at = row_of(d) * L + s;
        fma(g_height, pack(detail::at(p.w, d)), detail::at(g_y, d)).store(t.g + at);
        detail::at(g.w, d) = fma(g_height, pack::load(tape + at), detail::at(g.w, d));
      });
      g.bias += g_height;
      g.stretch = fma(by_det, slope, g.stretch);
    }
    add(g, p, this->theta_of(t.theta), this->theta_of(t.gradient));
  }

  /// Data to noise: see numerically_inverted.hpp.
  template <class Tile> void solve(const Tile& t) const {
    this->move_back(t, plane(this->theta_of(t.theta)));
  }
  /// lambda = g_x - w (slope u^.g_x + g_l bend / det) / det: the matrix is 1 + slope w u^T (Sherman
  /// and Morrison).
  void solve_transposed(const cotangent_tile<T>& t, const T* tape) const {
    const plane p(this->theta_of(t.theta));
    for (int s = 0; s < t.lanes; s += pack::size) {
      const pack ridge = pack::load(tape + D * L + s), g_log_det = pack::load(t.log_det + s);
      each<pack> g = rows_at(t.g + s);
      pack g_ridge(T(0));
      detail::for_each_variable<D>(
          [&](int d) { g_ridge = fma(detail::at(g, d), pack(detail::at(p.u_hat, d)), g_ridge); });
      const pack slope = p.slope(ridge), det = p.det(ridge);
      const pack along = fma(g_ridge, slope, g_log_det / det * p.bend(ridge, slope)) / det;
      detail::for_each_variable<D>([&](int d) {
        pack& one = detail::at(g, d);
        one = fnma(along, pack(detail::at(p.w, d)), one);
      });
      store(g, t.g + s);
    }
  }

  /// u and w normal with deviation 1 / sqrt(3 D), the variance of Pyro's; b = 0.
  template <class Random> void initialise(T* parameters, Random&& random) const {
    T* theta = this->theta_of(parameters);
    const double deviation = 1 / std::sqrt(3.0 * D);
    for (int i = 0; i < 2 * D; ++i) theta[i] = static_cast<T>(deviation * random());
    theta[names::bias] = T(0);
  }

 private:
  /// The parameters as the map uses them, the same for all samples.
  struct plane {
    each<T> w, u_hat;
    T bias;
    T stretch = T(1); ///< 1 + w.u^ = softplus(w.u) > 0
    T excess = T(0);  ///< (softplus(w.u) - 1 - w.u) / |w|^2
    T squared = T(0); ///< |w|^2

    explicit plane(const T* theta) : bias(theta[names::bias]) {
      pack a(T(0)), norm(T(0));
      for (int d = 0; d < D; ++d) {
        const pack w_d(theta[names::w + d]);
        a = fma(w_d, pack(theta[names::u + d]), a);
        norm = fma(w_d, w_d, norm);
        detail::at(w, d) = w_d.first();
      }
      squared = norm.first();
      // Without a direction w there is nothing to stretch along: a shift by u tanh(b).
      if (!(squared < std::numeric_limits<T>::min())) {
        const pack softplus = math::softplus(a);
        stretch = softplus.first();
        excess = (((softplus - pack(T(1))) - a) / norm).first();
      }
      for (int d = 0; d < D; ++d)
        detail::at(u_hat, d) =
            fma(pack(excess), pack(detail::at(w, d)), pack(theta[names::u + d])).first();
    }

    BIJOU_INLINE pack height(const each<pack>& x) const {
      pack z(bias);
      detail::for_each_variable<D>(
          [&](int d) { z = fma(pack(detail::at(w, d)), detail::at(x, d), z); });
      return z;
    }
    BIJOU_INLINE pack moved(int d, pack x, pack ridge) const {
      return fma(pack(detail::at(u_hat, d)), ridge, x);
    }
    /// Of tanh.
    BIJOU_INLINE static pack slope(pack ridge) { return fnma(ridge, ridge, pack(T(1))); }
    /// 1 + slope w.u^ as a sum of two terms above 0: it cannot cancel.
    BIJOU_INLINE pack det(pack ridge) const {
      return fma(ridge, ridge, slope(ridge) * pack(stretch));
    }
    BIJOU_INLINE pack log_det(pack ridge) const { return math::log(det(ridge)); }
    /// d det / d height = -2 tanh slope (softplus - 1)
    BIJOU_INLINE pack bend(pack ridge, pack slope) const {
      return (ridge * slope) * pack(T(2) * (T(1) - stretch));
    }
    BIJOU_INLINE each<pack> moved_back(each<pack> y) const {
      const pack ridge = math::tanh(detail::ridge_root(stretch, height(y)));
      detail::for_each_variable<D>([&](int d) {
        pack& one = detail::at(y, d);
        one = fnma(pack(detail::at(u_hat, d)), ridge, one);
      });
      return y;
    }
  };

  /// Cotangents of the plane, summed over strips.
  struct sums {
    each<pack> w, u_hat;
    pack bias = pack(T(0)), stretch = pack(T(0));
    sums() {
      w.fill(pack(T(0)));
      u_hat.fill(pack(T(0)));
    }
  };

  template <bool Keep> void map_rows(const tile<T>& t, T* ridges) const {
    const plane p(this->theta_of(t.theta));
    for (int s = 0; s < t.lanes; s += pack::size) {
      const each<pack> x = rows_at(t.x + s);
      const pack ridge = math::tanh(p.height(x));
      if constexpr (Keep) ridge.store(ridges + s);
      detail::for_each_variable<D>(
          [&](int d) { p.moved(d, detail::at(x, d), ridge).store(t.x + row_of(d) * L + s); });
      (pack::load(t.log_det + s) + p.log_det(ridge)).store(t.log_det + s);
    }
  }

  /// From cotangents of w, u^ and the stretch to those of w and u.
  void add(const sums& g, const plane& p, const T* theta, T* gradient) const {
    each<T> g_u_hat;
    pack along(T(0)), a(T(0)); // g_u^ . w and u . w
    for (int d = 0; d < D; ++d) {
      const pack w(detail::at(p.w, d));
      detail::at(g_u_hat, d) = detail::sum_of_lanes(detail::at(g.u_hat, d));
      along = fma(pack(detail::at(g_u_hat, d)), w, along);
      a = fma(w, pack(theta[names::u + d]), a);
    }
    const bool directed = !(p.squared < std::numeric_limits<T>::min());
    const pack rise = math::sigmoid(a); // of softplus
    pack g_excess(T(0)), g_a(T(0));     // of excess |w|^2, and of w.u
    if (directed) {
      g_excess = along / pack(p.squared);
      g_a = fma(g_excess, rise - pack(T(1)), pack(detail::sum_of_lanes(g.stretch)) * rise);
    }
    const pack excess(p.excess), by_norm = pack(T(-2)) * (excess * g_excess);
    for (int d = 0; d < D; ++d) {
      const pack w(detail::at(p.w, d)), u(theta[names::u + d]), g_d(detail::at(g_u_hat, d));
      const pack straight(detail::sum_of_lanes(detail::at(g.w, d)));
      gradient[names::u + d] += fma(g_a, w, g_d).first();
      gradient[names::w + d] += fma(g_a, u, fma(by_norm, w, fma(excess, g_d, straight))).first();
    }
    gradient[names::bias] += detail::sum_of_lanes(g.bias);
  }
};

/// The word. It has no options: its parameters are free, and learned.
struct planar_t {
  using bijou_tag = word_tag;
  static constexpr rule what = rule::learned;
  static constexpr int size = 0;
  static constexpr bool invertible = false;
  static constexpr bool numerically_invertible = true;

  template <int D> static constexpr misfit fits(const place<D>& p) {
    return p.is_all(kind::line) ? misfit::none : misfit::support;
  }
  template <int D> static constexpr place<D> after(const place<D>& p) { return p; }

  template <class T, int L, int D, int C> using layer = planar_layer<T, L, D>;
  template <class T, int L, int D, int C>
  layer<T, L, D, C> realise(const detail::index_table<D>& position) const {
    return layer<T, L, D, C>(position);
  }
  std::string text() const { return "planar"; }
};

/// A planar flow: `normal<2> | planar | planar`. Parameters: u (D), w (D) and a bias.
inline constexpr planar_t planar{};

} // namespace bijou::inline BIJOU_ISA

#pragma once
// The planar map with its adjoint by hand, as one would write it without reverse mode: what derived
// adjoints are measured against. Equations: include/bijou/bijectors/residual/planar.hpp.

#include <bijou/bijectors/linear/permute.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/layers/layer.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace bench {

namespace simd = bijou::simd;
namespace math = bijou::math;
using bijou::detail::at, bijou::detail::for_each_variable, bijou::detail::sum_of_lanes;

/// Forward only, for w other than 0. Parameters: u, w and the bias, at the beginning of theta.
template <class T, int L, int D> class planar_by_hand {
  using pack = simd::pack<T>;
  template <class V> using each = std::array<V, static_cast<std::size_t>(D)>;

 public:
  static constexpr int tape_rows = D + 1;

  explicit planar_by_hand(const bijou::detail::index_table<D>& position) : position_(position) {}

  void forward(const bijou::tile<T>& t) const { map_rows<false>(t, nullptr); }
  void forward(const bijou::tile<T>& t, T* tape) const {
    std::copy_n(t.x, D * L, tape);
    map_rows<true>(t, tape + D * L);
  }
  void forward_adjoint(const bijou::cotangent_tile<T>& t, const T* tape) const {
    const plane p(t.theta);
    sums g;
    for (int s = 0; s < t.lanes; s += pack::size) {
      const pack ridge = pack::load(tape + D * L + s), g_log_det = pack::load(t.log_det + s);
      each<pack> g_y;
      pack g_ridge(T(0));
      for_each_variable<D>([&](int d) {
        pack& one = at(g_y, d);
        one = pack::load(t.g + row_of(d) * L + s);
        g_ridge = fma(one, pack(at(p.u_hat, d)), g_ridge);
        at(g.u_hat, d) = fma(one, ridge, at(g.u_hat, d));
      });
      const pack slope = p.slope(ridge), by_det = g_log_det / p.det(ridge);
      const pack g_height = fma(g_ridge, slope, by_det * p.bend(ridge, slope));
      for_each_variable<D>([&](int d) {
        const int here = row_of(d) * L + s;
        fma(g_height, pack(at(p.w, d)), at(g_y, d)).store(t.g + here);
        at(g.w, d) = fma(g_height, pack::load(tape + here), at(g.w, d));
      });
      g.bias += g_height;
      g.stretch = fma(by_det, slope, g.stretch);
    }
    add(g, p, t.theta, t.gradient);
  }

 private:
  int row_of(int variable) const { return at(position_, variable); }

  /// The parameters as the map uses them, the same for all samples.
  struct plane {
    each<T> w, u_hat;
    T bias, stretch, excess, squared; ///< 1 + w.u^; (softplus(w.u) - 1 - w.u) / |w|^2; |w|^2

    explicit plane(const T* theta) : bias(theta[2 * D]) {
      pack a(T(0)), norm(T(0));
      for (int d = 0; d < D; ++d) {
        const pack w_d(theta[D + d]);
        a = fma(w_d, pack(theta[d]), a);
        norm = fma(w_d, w_d, norm);
        at(w, d) = w_d.first();
      }
      squared = norm.first();
      const pack softplus = math::softplus(a);
      stretch = softplus.first();
      excess = (((softplus - pack(T(1))) - a) / norm).first();
      for (int d = 0; d < D; ++d)
        at(u_hat, d) = fma(pack(excess), pack(at(w, d)), pack(theta[d])).first();
    }
    pack height(const each<pack>& x) const {
      pack z(bias);
      for_each_variable<D>([&](int d) { z = fma(pack(at(w, d)), at(x, d), z); });
      return z;
    }
    static pack slope(pack ridge) { return fnma(ridge, ridge, pack(T(1))); }
    pack det(pack ridge) const { return fma(ridge, ridge, slope(ridge) * pack(stretch)); }
    pack bend(pack ridge, pack slope) const {
      return (ridge * slope) * pack(T(2) * (T(1) - stretch));
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

  template <bool Keep> void map_rows(const bijou::tile<T>& t, T* ridges) const {
    const plane p(t.theta);
    for (int s = 0; s < t.lanes; s += pack::size) {
      each<pack> x;
      for_each_variable<D>([&](int d) { at(x, d) = pack::load(t.x + row_of(d) * L + s); });
      const pack ridge = math::tanh(p.height(x));
      if constexpr (Keep) ridge.store(ridges + s);
      for_each_variable<D>([&](int d) {
        fma(pack(at(p.u_hat, d)), ridge, at(x, d)).store(t.x + row_of(d) * L + s);
      });
      (pack::load(t.log_det + s) + math::log(p.det(ridge))).store(t.log_det + s);
    }
  }
  /// From cotangents of w, u^ and the stretch to those of w and u.
  void add(const sums& g, const plane& p, const T* theta, T* gradient) const {
    each<T> g_u_hat;
    pack along(T(0)), a(T(0));
    for (int d = 0; d < D; ++d) {
      const pack w(at(p.w, d));
      at(g_u_hat, d) = sum_of_lanes(at(g.u_hat, d));
      along = fma(pack(at(g_u_hat, d)), w, along);
      a = fma(w, pack(theta[d]), a);
    }
    const pack rise = math::sigmoid(a), g_excess = along / pack(p.squared);
    const pack g_a = fma(g_excess, rise - pack(T(1)), pack(sum_of_lanes(g.stretch)) * rise);
    const pack excess(p.excess), by_norm = pack(T(-2)) * (excess * g_excess);
    for (int d = 0; d < D; ++d) {
      const pack w(at(p.w, d)), u(theta[d]), g_d(at(g_u_hat, d));
      const pack straight(sum_of_lanes(at(g.w, d)));
      gradient[d] += fma(g_a, w, g_d).first();
      gradient[D + d] += fma(g_a, u, fma(by_norm, w, fma(excess, g_d, straight))).first();
    }
    gradient[2 * D] += sum_of_lanes(g.bias);
  }

  bijou::detail::index_table<D> position_;
};

} // namespace bench

#pragma once
/// \file
/// `householder<K>`: an orthogonal map, learned as K reflections. Log-det 0.
///
/// y = H_K ... H_1 x with H_k = 1 - 2 u_k u_k^T / |u_k|^2; the inverse applies them the other way
/// round. All of R^D to all of R^D. Tomczak and Welling 2016 (1611.09630), equation 6.

#include <bijou/bijectors/layer.hpp>
#include <bijou/bijectors/permute.hpp>
#include <bijou/bijectors/word_parameters.hpp>
#include <bijou/grammar/place.hpp>
#include <bijou/kernels/simd.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {
template <int K, int D> struct householder_parameters {
  static constexpr int count = K * D;
  static constexpr std::array tensors{word_tensor{"u_unnormed", 0, K, D}};
};
} // namespace detail

/// The reflections on a tile. Tape: the rows they gave, from which the adjoint walks back. Cost of
/// a sample: 2 K D multiply-adds; its adjoint three times that.
template <class T, int L, int D, int K>
class householder_layer : public word_parameters<T, detail::householder_parameters<K, D>> {
  using pack = simd::pack<T>;
  template <class V> using each = detail::per_variable<V, D>;

 public:
  static constexpr int scratch_rows = 1;
  static constexpr int tape_rows = D;

  householder_layer() = default;
  /// position: variable -> row of the tile.
  explicit householder_layer(const detail::index_table<D>& position) : position_(position) {}

  void forward(const tile<T>& t) const { map_rows<false>(t); }
  void inverse(const tile<T>& t) const { map_rows<true>(t); }
  void forward(const tile<T>& t, T* tape) const {
    forward(t);
    std::copy_n(t.x, D * L, tape);
  }
  void inverse(const tile<T>& t, T* tape) const {
    inverse(t);
    std::copy_n(t.x, D * L, tape);
  }
  void forward(const event_tile<T>& e) const { map_event<false>(e); }
  void inverse(const event_tile<T>& e) const { map_event<true>(e); }

  void forward_adjoint(const cotangent_tile<T>& t, const T* tape) const {
    pull_back<false>(t, tape);
  }
  void inverse_adjoint(const cotangent_tile<T>& t, const T* tape) const {
    pull_back<true>(t, tape);
  }

  /// Normal with deviation 1 / sqrt(3 D), the variance of Pyro's; only directions matter.
  template <class Random> void initialise(T* parameters, Random&& random) const {
    T* theta = this->theta_of(parameters);
    const double deviation = 1 / std::sqrt(3.0 * D);
    for (int i = 0; i < K * D; ++i) theta[i] = static_cast<T>(deviation * random());
  }
  /// Row of the tile of each variable.
  std::vector<int> ranks() const { return {position_.begin(), position_.end()}; }

 private:
  /// The mirrors, as the map uses them.
  struct mirrors {
    const T* u;
    detail::per_variable<T, K> factor; ///< 2 / |u_k|^2
    detail::per_variable<T, K> norm;   ///< |u_k|^2

    explicit mirrors(const T* theta) : u(theta) {
      for (int k = 0; k < K; ++k) {
        pack square(T(0));
        for (int d = 0; d < D; ++d) square = fma(at(k, d), at(k, d), square);
        detail::at(norm, k) = square.first();
        // Without a direction there is no mirror.
        const bool directed = !(square.first() < std::numeric_limits<T>::min());
        detail::at(factor, k) = directed ? (pack(T(2)) / square).first() : T(0);
      }
    }
    BIJOU_INLINE pack at(int k, int d) const { return pack(u[k * D + d]); }
    BIJOU_INLINE pack along(int k, const each<pack>& x) const {
      pack sum(T(0));
      detail::for_each_variable<D>([&](int d) { sum = fma(at(k, d), detail::at(x, d), sum); });
      return sum;
    }
    BIJOU_INLINE void reflect(int k, pack along, each<pack>& x) const {
      const pack far = pack(detail::at(factor, k)) * along;
      detail::for_each_variable<D>(
          [&](int d) { detail::at(x, d) = fnma(far, at(k, d), detail::at(x, d)); });
    }
    template <bool Back> void map(each<pack>& x) const {
      for (int i = 0; i < K; ++i) {
        const int k = Back ? K - 1 - i : i;
        reflect(k, along(k, x), x);
      }
    }
  };

  template <bool Back> void map_rows(const tile<T>& t) const {
    const mirrors m(this->theta_of(t.theta));
    for (int s = 0; s < t.lanes; s += pack::size) {
      each<pack> x = rows_at(t.x + s);
      m.template map<Back>(x);
      store(x, t.x + s);
    }
  }
  template <bool Back> void map_event(const event_tile<T>& e) const {
    const mirrors m(this->theta_of(e.theta));
    each<pack> x;
    detail::for_each_variable<D>([&](int d) { detail::at(x, d) = pack(e.x[row_of(d)]); });
    m.template map<Back>(x);
    detail::for_each_variable<D>([&](int d) { e.x[row_of(d)] = detail::at(x, d).first(); });
  }

  /// A reflection is its own inverse and transpose: outputs and cotangents walk back together.
  template <bool Back> void pull_back(const cotangent_tile<T>& t, const T* tape) const {
    const mirrors m(this->theta_of(t.theta));
    std::array<pack, static_cast<std::size_t>(K * D)> sums;
    detail::per_variable<pack, K> by_norm;
    sums.fill(pack(T(0)));
    by_norm.fill(pack(T(0)));
    for (int s = 0; s < t.lanes; s += pack::size) {
      each<pack> x = rows_at(tape + s), g = rows_at(t.g + s);
      for (int i = 0; i < K; ++i) {
        const int k = Back ? i : K - 1 - i;
        const pack back = m.along(k, x); // u . y = -u . x
        const pack g_along = m.along(k, g);
        m.reflect(k, back, x);
        detail::for_each_variable<D>([&](int d) {
          pack& sum = detail::at(sums, k * D + d);
          sum = fma(back, detail::at(g, d), fnma(g_along, detail::at(x, d), sum));
        });
        detail::at(by_norm, k) = fma(back, g_along, detail::at(by_norm, k));
        m.reflect(k, g_along, g);
      }
      store(g, t.g + s);
    }
    T* gradient = this->theta_of(t.gradient);
    for (int k = 0; k < K; ++k) {
      const pack factor(detail::at(m.factor, k)); // 2 / |u|^2 falls by factor / |u|^2
      const pack fall = factor * pack(detail::sum_of_lanes(detail::at(by_norm, k)));
      for (int d = 0; d < D; ++d) {
        const pack straight(detail::sum_of_lanes(detail::at(sums, k * D + d)));
        gradient[k * D + d] += (factor * fnma(fall, m.at(k, d), straight)).first();
      }
    }
  }

  BIJOU_INLINE each<pack> rows_at(const T* strip) const {
    each<pack> x;
    detail::for_each_variable<D>(
        [&](int d) { detail::at(x, d) = pack::load(strip + row_of(d) * L); });
    return x;
  }
  BIJOU_INLINE void store(const each<pack>& x, T* strip) const {
    detail::for_each_variable<D>([&](int d) { detail::at(x, d).store(strip + row_of(d) * L); });
  }
  BIJOU_INLINE int row_of(int variable) const { return detail::at(position_, variable); }

  detail::index_table<D> position_{};
};

/// The word. It has no options: its parameters are free, and learned.
template <int K> struct householder_t {
  using bijou_tag = word_tag;
  static constexpr rule what = rule::learned;
  static constexpr int size = 0;
  static constexpr bool invertible = true;

  template <int D> static constexpr misfit fits(const place<D>& p) {
    return p.is_all(kind::line) ? misfit::none : misfit::support;
  }
  template <int D> static constexpr place<D> after(const place<D>& p) { return p; }
  template <int D> static constexpr misfit fits_back(const place<D>& p) { return fits(p); }
  template <int D> static constexpr place<D> before(const place<D>& p) { return p; }

  template <class T, int L, int D, int C> using layer = householder_layer<T, L, D, K>;
  template <class T, int L, int D, int C>
  layer<T, L, D, C> realise(const detail::index_table<D>& position) const {
    return layer<T, L, D, C>(position);
  }
  std::string text() const { return "householder<" + std::to_string(K) + ">"; }
};

/// K learned reflections: `householder<2> | affine`. D of them make any orthogonal map.
template <int K>
  requires(K > 0)
inline constexpr householder_t<K> householder{};

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// `householder<K>`: an orthogonal map, learned as K reflections. Log-det 0.
///
/// y = H_K ... H_1 x with H_k = 1 - 2 u_k u_k^T / |u_k|^2; the inverse applies them the other way
/// round. All of R^D to all of R^D. Tomczak and Welling 2016 (1611.09630).

#include <bijou/bijectors/layer.hpp>
#include <bijou/bijectors/permute.hpp>
#include <bijou/bijectors/reflections.hpp>
#include <bijou/bijectors/word_parameters.hpp>
#include <bijou/grammar/place.hpp>
#include <bijou/kernels/simd.hpp>

#include <algorithm>
#include <array>
#include <cmath>
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
class householder_layer : public word_rows<T, L, D, detail::householder_parameters<K, D>> {
  using variables = word_rows<T, L, D, detail::householder_parameters<K, D>>;
  using typename variables::pack;
  using variables::rows_at, variables::store, variables::values_of;
  template <class V> using each = detail::per_variable<V, D>;

 public:
  static constexpr int scratch_rows = 1;
  static constexpr int tape_rows = D;

  using variables::variables;

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

 private:
  using reflections = detail::reflections<T, D, K>;

  template <bool Back> void map_rows(const tile<T>& t) const {
    const reflections q(this->theta_of(t.theta));
    for (int s = 0; s < t.lanes; s += pack::size) {
      each<pack> x = rows_at(t.x + s);
      q.template map<Back>(x);
      store(x, t.x + s);
    }
  }
  template <bool Back> void map_event(const event_tile<T>& e) const {
    const reflections q(this->theta_of(e.theta));
    each<pack> x = values_of(e);
    q.template map<Back>(x);
    store(x, e);
  }

  template <bool Back> void pull_back(const cotangent_tile<T>& t, const T* tape) const {
    const reflections q(this->theta_of(t.theta));
    typename reflections::sums sums;
    for (int s = 0; s < t.lanes; s += pack::size) {
      each<pack> y = rows_at(tape + s), g = rows_at(t.g + s);
      q.template pull_back<Back>(y, g, sums);
      store(g, t.g + s);
    }
    q.add(sums, this->theta_of(t.gradient));
  }
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

#pragma once
/// \file
/// `lower_triangular`: a learned affine map that mixes the variables, y = A x + b.
///
/// A is lower triangular with the diagonal exp(l_d) > 0; log|det dy/dx| = sum_d l_d. The inverse is
/// a substitution. All of R^D to all of R^D. On a normal base it makes every normal distribution.
/// Kucukelbir et al. 2017 (1603.00788), the full-rank Gaussian.

#include <bijou/bijectors/layer.hpp>
#include <bijou/bijectors/permute.hpp>
#include <bijou/bijectors/word_parameters.hpp>
#include <bijou/grammar/place.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/kernels/saturation.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {
template <int D> struct triangle_parameters {
  static constexpr int loc = 0, matrix = D, count = D + D * D;
  static constexpr std::array tensors{word_tensor{"loc", loc, D},
                                      word_tensor{"log_scale_tril", matrix, D, D}};
  /// What lies above the diagonal is no parameter.
  static constexpr bool owns(int i) { return i < matrix || (i - matrix) % D <= (i - matrix) / D; }
};
} // namespace detail

/// The map of `lower_triangular` on a tile. Tape: the noise side. Cost of a sample: D (D + 1) / 2
/// multiply-adds in either direction; its adjoint twice that.
template <class T, int L, int D>
class triangle_layer : public word_rows<T, L, D, detail::triangle_parameters<D>> {
  using variables = word_rows<T, L, D, detail::triangle_parameters<D>>;
  using typename variables::pack;
  using variables::row_of, variables::rows_at, variables::store, variables::values_of;
  using names = detail::triangle_parameters<D>;
  template <class V> using each = detail::per_variable<V, D>;

 public:
  static constexpr int scratch_rows = 1;
  static constexpr int tape_rows = D;

  using variables::variables;

  void forward(const tile<T>& t) const { map_rows<true>(t); }
  void inverse(const tile<T>& t) const { map_rows<false>(t); }
  void forward(const tile<T>& t, T* tape) const {
    std::copy_n(t.x, D * L, tape);
    forward(t);
  }
  void inverse(const tile<T>& t, T* tape) const {
    inverse(t);
    std::copy_n(t.x, D * L, tape);
  }
  void forward(const event_tile<T>& e) const { map_event<true>(e); }
  void inverse(const event_tile<T>& e) const { map_event<false>(e); }

  void forward_first(const tile<T>& t, int k) const { map_first<true>(t, k); }
  void inverse_first(const tile<T>& t, int k) const { map_first<false>(t, k); }
  bool leads(int k) const {
    for (int d = 0; d < k; ++d)
      if (row_of(d) >= k) return false;
    return true;
  }

  void forward_adjoint(const cotangent_tile<T>& t, const T* tape) const {
    const triangle a(this->theta_of(t.theta));
    add<true>(t, tape, a); // cotangents of the data side
    for (int s = 0; s < t.lanes; s += pack::size) {
      const each<pack> g = rows_at(t.g + s);
      for (int j = 0; j < D; ++j) {
        pack sum = pack(detail::at(a.diagonal, j)) * detail::at(g, j);
        for (int d = j + 1; d < D; ++d) sum = fma(a.at(d, j), detail::at(g, d), sum);
        sum.store(t.g + row_of(j) * L + s);
      }
    }
  }
  void inverse_adjoint(const cotangent_tile<T>& t, const T* tape) const {
    const triangle a(this->theta_of(t.theta));
    for (int s = 0; s < t.lanes; s += pack::size) {
      each<pack> g = rows_at(t.g + s);
      for (int j = D - 1; j >= 0; --j) {
        pack rest = detail::at(g, j);
        for (int d = j + 1; d < D; ++d) rest = fnma(a.at(d, j), detail::at(g, d), rest);
        detail::at(g, j) = rest / pack(detail::at(a.diagonal, j));
        detail::at(g, j).store(t.g + row_of(j) * L + s);
      }
    }
    add<false>(t, tape, a);
  }

  /// The identity.
  template <class Random> void initialise(T* parameters, Random&&) const {
    std::fill_n(this->theta_of(parameters), names::count, T(0));
  }

 private:
  /// The parameters as the map uses them, the same for all samples.
  struct triangle {
    const T* theta;
    each<T> diagonal;
    T log_det;

    explicit triangle(const T* parameters) : theta(parameters) {
      pack sum(T(0));
      for (int d = 0; d < D; ++d) {
        detail::at(diagonal, d) = math::exp(at(d, d)).first();
        sum += at(d, d);
      }
      log_det = sum.first();
    }
    /// Below the diagonal the matrix, on it its logarithm.
    BIJOU_INLINE pack at(int d, int j) const { return pack(theta[names::matrix + d * D + j]); }
    BIJOU_INLINE pack shift(int d) const { return pack(theta[names::loc + d]); }

    template <bool Forward> BIJOU_INLINE void map(each<pack>& x) const {
      for (int i = 0; i < D; ++i) {
        const int d = Forward ? D - 1 - i : i; // each needs the noise side of those before it
        pack& here = detail::at(x, d);
        const pack scale(detail::at(diagonal, d));
        if constexpr (Forward) {
          pack sum = shift(d);
          for (int j = 0; j < d; ++j) sum = fma(at(d, j), detail::at(x, j), sum);
          here = fma(scale, here, sum);
        } else {
          pack rest = here - shift(d);
          for (int j = 0; j < d; ++j) rest = fnma(at(d, j), detail::at(x, j), rest);
          // Those after it sum over it.
          here = detail::saturated(rest / scale, detail::linear_saturation<T>);
        }
      }
    }
  };

  template <bool Forward> void map_rows(const tile<T>& t) const {
    const triangle a(this->theta_of(t.theta));
    const pack log_det(Forward ? a.log_det : -a.log_det);
    for (int s = 0; s < t.lanes; s += pack::size) {
      each<pack> x = rows_at(t.x + s);
      a.template map<Forward>(x);
      store(x, t.x + s);
      (pack::load(t.log_det + s) + log_det).store(t.log_det + s);
    }
  }
  template <bool Forward> void map_first(const tile<T>& t, int k) const {
    const triangle a(this->theta_of(t.theta));
    pack log_det(T(0));
    for (int d = 0; d < k; ++d) log_det = Forward ? log_det + a.at(d, d) : log_det - a.at(d, d);
    for (int s = 0; s < t.lanes; s += pack::size) {
      each<pack> x = rows_at(t.x + s);
      a.template map<Forward>(x);
      for (int d = 0; d < k; ++d) detail::at(x, d).store(t.x + row_of(d) * L + s);
      (pack::load(t.log_det + s) + log_det).store(t.log_det + s);
    }
  }
  template <bool Forward> void map_event(const event_tile<T>& e) const {
    const triangle a(this->theta_of(e.theta));
    each<pack> x = values_of(e);
    a.template map<Forward>(x);
    store(x, e);
    *e.log_det = (pack(*e.log_det) + pack(Forward ? a.log_det : -a.log_det)).first();
  }

  /// The parameters' gradient from t.g, the cotangents of y or (with the other sign) of A x + b
  /// solved for x, and the noise side x.
  template <bool Forward>
  void add(const cotangent_tile<T>& t, const T* x, const triangle& a) const {
    T* gradient = this->theta_of(t.gradient);
    const auto signed_sum = [](pack sum) {
      const T total = detail::sum_of_lanes(sum);
      return Forward ? total : -total;
    };
    pack by_det(T(0));
    for (int s = 0; s < t.lanes; s += pack::size) by_det += pack::load(t.log_det + s);
    for (int d = 0; d < D; ++d) {
      const T* g = t.g + row_of(d) * L;
      pack shift(T(0));
      for (int s = 0; s < t.lanes; s += pack::size) shift += pack::load(g + s);
      gradient[names::loc + d] += signed_sum(shift);
      for (int j = 0; j <= d; ++j) {
        pack sum = d == j ? by_det : pack(T(0));
        const pack scale(d == j ? detail::at(a.diagonal, d) : T(1));
        for (int s = 0; s < t.lanes; s += pack::size)
          sum = fma(pack::load(g + s) * scale, pack::load(x + row_of(j) * L + s), sum);
        gradient[names::matrix + d * D + j] += signed_sum(sum);
      }
    }
  }
};

/// The word. It has no options: its parameters are free, and learned.
struct lower_triangular_t {
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

  template <class T, int L, int D, int C> using layer = triangle_layer<T, L, D>;
  template <class T, int L, int D, int C>
  layer<T, L, D, C> realise(const detail::index_table<D>& position) const {
    return layer<T, L, D, C>(position);
  }
  std::string text() const { return "lower_triangular"; }
};

/// y = A x + b, A lower triangular with a positive diagonal: `normal<4> | lower_triangular`.
inline constexpr lower_triangular_t lower_triangular{};

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// A product of learned Householder reflections, for the words that have one.
///
/// H_K ... H_1 with H_k = 1 - 2 u_k u_k^T / |u_k|^2. Each is its own inverse and its own transpose.

#include <bijou/bijectors/word_parameters.hpp>
#include <bijou/kernels/simd.hpp>
#include <bijou/kernels/unroll.hpp>

#include <array>
#include <cstddef>
#include <limits>

namespace bijou::inline BIJOU_ISA::detail {

/// The reflections as a map uses them, the same for all samples. u: K rows of D.
template <class T, int D, int K> class reflections {
  using pack = simd::pack<T>;
  using each_pack = per_variable<pack, D>;

 public:
  /// Cotangents of u, summed over strips.
  struct sums {
    std::array<pack, static_cast<std::size_t>(K* D)> straight;
    per_variable<pack, K> by_norm;
    sums() {
      straight.fill(pack(T(0)));
      by_norm.fill(pack(T(0)));
    }
  };

  explicit reflections(const T* u) : u_(u) {
    for (int k = 0; k < K; ++k) {
      pack square(T(0));
      for (int d = 0; d < D; ++d) square = fma(u_at(k, d), u_at(k, d), square);
      // Without a direction there is no mirror.
      const bool directed = !(square.first() < std::numeric_limits<T>::min());
      at(factor_, k) = directed ? (pack(T(2)) / square).first() : T(0);
    }
  }

  /// H_K ... H_1 x, or with Back its inverse and transpose H_1 ... H_K x.
  template <bool Back> BIJOU_INLINE void map(each_pack& x) const {
    for (int i = 0; i < K; ++i) {
      const int k = Back ? K - 1 - i : i;
      reflect(k, along(k, x), x);
    }
  }

  /// Walks outputs y and cotangents g of map<Back> back to its inputs and their cotangents.
  template <bool Back> BIJOU_INLINE void pull_back(each_pack& y, each_pack& g, sums& to) const {
    for (int i = 0; i < K; ++i) {
      const int k = Back ? i : K - 1 - i;
      const pack back = along(k, y); // u . y = -u . x
      const pack g_along = along(k, g);
      reflect(k, back, y);
      for_each_variable<D>([&](int d) {
        pack& sum = at(to.straight, k * D + d);
        sum = fma(back, at(g, d), fnma(g_along, at(y, d), sum));
      });
      at(to.by_norm, k) = fma(back, g_along, at(to.by_norm, k));
      reflect(k, g_along, g);
    }
  }

  /// Adds the gradient by u.
  void add(const sums& from, T* gradient) const {
    for (int k = 0; k < K; ++k) {
      const pack factor(at(factor_, k)); // 2 / |u|^2 falls by factor / |u|^2
      const pack fall = factor * pack(sum_of_lanes(at(from.by_norm, k)));
      for (int d = 0; d < D; ++d) {
        const pack straight(sum_of_lanes(at(from.straight, k * D + d)));
        gradient[k * D + d] += (factor * fnma(fall, u_at(k, d), straight)).first();
      }
    }
  }

 private:
  BIJOU_INLINE pack u_at(int k, int d) const { return pack(u_[k * D + d]); }
  BIJOU_INLINE pack along(int k, const each_pack& x) const {
    pack sum(T(0));
    for_each_variable<D>([&](int d) { sum = fma(u_at(k, d), at(x, d), sum); });
    return sum;
  }
  BIJOU_INLINE void reflect(int k, pack along, each_pack& x) const {
    const pack far = pack(at(factor_, k)) * along;
    for_each_variable<D>([&](int d) { at(x, d) = fnma(far, u_at(k, d), at(x, d)); });
  }

  const T* u_;
  per_variable<T, K> factor_; ///< 2 / |u_k|^2
};

} // namespace bijou::inline BIJOU_ISA::detail

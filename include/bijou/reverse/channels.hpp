#pragma once
/// \file
/// The pixels of an image in reverse mode by scope (number.hpp): C x pixels variables, channel
/// after channel, of which each pixel's C are multiplied with one C x C matrix, and channels in
/// another order. Primitives of triangles.hpp, pixel by pixel.

#include <bijou/reverse/triangles.hpp>

#include <cstddef>
#include <type_traits>

namespace bijou::inline BIJOU_ISA::reverse_mode {

namespace detail {

/// The channels of one pixel: every Pixels-th variable.
template <int Pixels, class V> struct pixel_view {
  using pack = typename V::pack;
  static constexpr bool is_active = V::is_active;
  V v;
  int pixel;

  BIJOU_INLINE pack value(int c) const { return v.value(at(c)); }
  BIJOU_INLINE void add(int c, pack g) const { v.add(at(c), g); }

 private:
  BIJOU_INLINE int at(int c) const { return c * Pixels + pixel; }
};

/// What is done to a pixel: a product with a triangular matrix, or the solution of one.
template <triangle Which, class M, class Diagonal> struct product_of_a_pixel {
  using T = typename M::value_type;
  static constexpr int channels = M::rows;
  static constexpr bool is_active = M::is_active || Diagonal::is_active;
  M m;
  Diagonal diagonal;

  template <class V> BIJOU_INLINE auto operator()(const V& v) const {
    return triangular_product<Which, M, Diagonal, V, constant_view<T>>{
        m, diagonal, v, constant_view<T>(simd::pack<T>(T(0)))};
  }
};
template <triangle Which, class M, class Diagonal> struct solution_of_a_pixel {
  static constexpr int channels = M::rows;
  static constexpr bool is_active = M::is_active || Diagonal::is_active;
  M m;
  Diagonal diagonal;

  template <class V> BIJOU_INLINE auto operator()(const V& v) const {
    return triangular_solution<Which, M, Diagonal, V>{m, diagonal, v};
  }
};
/// The same of all pixels.
template <class Operation, int Pixels, class V> struct at_each_pixel {
  using P = typename V::pack;
  using value_type = typename P::value_type;
  static constexpr int channels = Operation::channels, size = channels * Pixels;
  static constexpr bool is_active = Operation::is_active || V::is_active;
  Operation of_a_pixel;
  V v;

  BIJOU_INLINE void evaluate(P* y) const {
    for (int p = 0; p < Pixels; ++p) {
      column_of<P, channels> made;
      of_a_pixel(pixel_view<Pixels, V>{v, p}).evaluate(made);
      for (int c = 0; c < channels; ++c) y[c * Pixels + p] = made[c];
    }
  }
  BIJOU_INLINE void pull_back(const P* g, const P* y) const {
    for (int p = 0; p < Pixels; ++p) {
      column_of<P, channels> cotangents, made;
      for (int c = 0; c < channels; ++c) {
        cotangents[c] = g[c * Pixels + p];
        made[c] = y[c * Pixels + p];
      }
      of_a_pixel(pixel_view<Pixels, V>{v, p}).pull_back(cotangents, made);
    }
  }
};

/// Channel c is channel order[c] of v.
template <int Channels, int Pixels, class V> struct channels_in_order {
  using P = typename V::pack;
  using value_type = typename P::value_type;
  static constexpr int size = Channels * Pixels;
  static constexpr bool is_active = V::is_active;
  V v;
  const int* order;

  BIJOU_INLINE void evaluate(P* y) const {
    each([&](int to, int from) __attribute__((always_inline)) { y[to] = v.value(from); });
  }
  BIJOU_INLINE void pull_back(const P* g, const P*) const {
    each([&](int to, int from) __attribute__((always_inline)) { v.add(from, g[to]); });
  }

 private:
  template <class F> BIJOU_INLINE void each(const F& f) const {
    for (int c = 0; c < Channels; ++c)
      for (int p = 0; p < Pixels; ++p) f(c * Pixels + p, order[c] * Pixels + p);
  }
};

template <template <triangle, class, class> class OfAPixel, triangle Which, class M, class Diagonal,
          class V, class... Place>
BIJOU_INLINE auto make_at_each_pixel(const M& m, Diagonal& diagonal, V& v, const Place&... kept) {
  constexpr int channels = M::rows, variables = size_of<std::remove_cv_t<V>>();
  constexpr bool fits = M::rows == M::columns && variables % channels == 0 && variables > 0;
  static_assert(fits,
                "bijou: a product of channels takes a matrix of C x C parameters and a vector "
                "of C x pixels variables");
  using T = typename M::value_type;
  using operation = OfAPixel<Which, decltype(m.entries()), decltype(view_of<T>(diagonal))>;
  return vector_made_by(
      at_each_pixel<operation, variables / channels, decltype(view_of<T>(v))>{
          operation{m.entries(), view_of<T>(diagonal)}, view_of<T>(v)},
      kept...);
}

} // namespace detail

/// M times the channels of each pixel, where M is a triangle of m with this diagonal: see multiply
/// (triangles.hpp). Cost: C (C + 1) / 2 multiply-adds a pixel; of its reverse sweep, twice that.
template <triangle Which, class M, class Diagonal, class V, class... Place>
BIJOU_INLINE auto multiply_channels(const M& m, Diagonal&& diagonal, V&& v, const Place&... kept) {
  static_assert(detail::named<Diagonal, V>, BIJOU_NEEDS_NAME);
  return detail::make_at_each_pixel<detail::product_of_a_pixel, Which>(m, diagonal, v, kept...);
}
/// y with M y = v for the channels of each pixel: see solve (triangles.hpp).
template <triangle Which, class M, class Diagonal, class V, class... Place>
BIJOU_INLINE auto solve_channels(const M& m, Diagonal&& diagonal, V&& v, const Place&... kept) {
  static_assert(detail::named<Diagonal, V>, BIJOU_NEEDS_NAME);
  return detail::make_at_each_pixel<detail::solution_of_a_pixel, Which>(m, diagonal, v, kept...);
}
/// The image whose channel c is channel order[c] of v; order: a permutation of C channels that
/// lasts as long as the formula.
template <int Channels, class V> BIJOU_INLINE auto reorder_channels(V&& v, const int* order) {
  static_assert(detail::named<V>, BIJOU_NEEDS_NAME);
  constexpr int variables = detail::size_of<std::remove_cvref_t<V>>();
  static_assert(variables % Channels == 0, "bijou: an image has C x pixels variables");
  return detail::vector_made_by(
      detail::channels_in_order<Channels, variables / Channels, decltype(v.view())>{v.view(),
                                                                                    order});
}

} // namespace bijou::inline BIJOU_ISA::reverse_mode

#pragma once
/// \file
/// The boundary to xtensor: the one file that includes it.
///
/// Batches are rank-2 expressions of shape (n, D), in any layout, lazy or not: those that lie in
/// memory as T are read and written through their strides, all others are evaluated a tile at a
/// time and never as a whole. Rank 1 is always one event of shape (D,); results then have rank 1,
/// and log_det and log_prob are numbers. (Of an xt::xarray the compiler does not know the rank: one
/// event is then a batch of one.) A context is (n, C), or (C,) for one that all samples share.

#include <bijou/interop/batch.hpp>

#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xtensor.hpp>
#endif

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

namespace detail {

template <class X>
concept xtensor_like = xt::is_xexpression<X>::value;

/// Whether the rank is known to be 1. The type of the shape says so for views and lazy expressions
/// too, of which xt::get_rank knows nothing in some releases.
template <xtensor_like X> constexpr bool has_rank_one() {
  using shape = typename X::shape_type;
  if constexpr (requires { std::tuple_size<shape>::value; })
    return std::tuple_size<shape>::value == 1;
  else
    return xt::get_rank<X>::value == 1;
}
template <xtensor_like X> constexpr bool is_one_event = has_rank_one<X>();

/// "(100, 7)"
template <class X> std::string shape_of(const X& x) {
  std::string s = "(";
  for (std::size_t i = 0; i < x.dimension(); ++i)
    s += (i ? ", " : "") + std::to_string(x.shape()[i]);
  return s + (x.dimension() == 1 ? ",)" : ")");
}
/// Throws unless x is (n, size), or one event (size,).
template <xtensor_like X>
void check_shape(const char* who, const char* what, const X& x, int size) {
  const std::size_t rank = x.dimension();
  if ((rank == 1 || rank == 2) && x.shape()[rank - 1] == static_cast<std::size_t>(size)) return;
  throw std::invalid_argument(std::string(who) + ": expected " + what + " of shape (n, " +
                              std::to_string(size) + "), got " + shape_of(x));
}
template <xtensor_like X> std::size_t count_of(const X& x) {
  return x.dimension() == 1 ? 1 : static_cast<std::size_t>(x.shape()[0]);
}

/// Element v of sample i.
template <class X> decltype(auto) element_of(X& x, std::size_t i, int v) {
  const auto d = static_cast<std::size_t>(v);
  return x.dimension() == 1 ? x(d) : x(i, d);
}
/// Evaluates an expression element by element, as tiles are filled.
template <class T, class X>
void fill_from_expression(const void* from, std::size_t first, int n, int size, T* rows, int lanes,
                          const int* position) {
  const auto& x = *static_cast<const X*>(from);
  for (int v = 0; v < size; ++v)
    for (int i = 0; i < n; ++i)
      rows[position[v] * lanes + i] =
          static_cast<T>(element_of(x, first + static_cast<std::size_t>(i), v));
}
/// Assigns element by element: for views that are no strides of memory.
template <class T, class X>
void assign_to_expression(void* to, std::size_t first, int n, int size, const T* rows, int lanes,
                          const int* position) {
  auto& x = *static_cast<X*>(to);
  for (int v = 0; v < size; ++v)
    for (int i = 0; i < n; ++i)
      element_of(x, first + static_cast<std::size_t>(i), v) = rows[position[v] * lanes + i];
}

/// Whether an expression of this type, with its const, is an lvalue in memory or a view of one.
template <class X>
concept written_xtensor = xtensor_like<std::remove_const_t<X>> &&
                          requires(X& x, const typename X::value_type& v) { x(0, 0) = v; };
template <class X>
inline constexpr bool has_strides = xt::has_data_interface<std::remove_const_t<X>>::value &&
                                    xt::has_strides<std::remove_const_t<X>>::value;

/// The memory of an expression that has strides, of the elements that `x.data()` gives.
template <class X> auto strided_view(X& x) {
  auto* const data = x.data() + static_cast<std::ptrdiff_t>(x.data_offset());
  const std::size_t rank = x.dimension();
  return batch_view<std::remove_pointer_t<decltype(x.data())>>{
      data, count_of(x), rank == 1 ? 0 : static_cast<std::ptrdiff_t>(x.strides()[0]),
      static_cast<std::ptrdiff_t>(x.strides()[rank - 1])};
}

template <class T, xtensor_like X> sample_source<T> source_of(const X& x) {
  if constexpr (has_strides<X> && std::is_same_v<std::remove_const_t<typename X::value_type>, T>)
    return strided_view(x);
  else
    return {std::addressof(x), count_of(x), &fill_from_expression<T, X>};
}
template <class T, xtensor_like X> sample_sink<T> sink_of(X& x) {
  if constexpr (has_strides<X>)
    return strided_view(x);
  else
    return {std::addressof(x), &assign_to_expression<T, X>};
}
/// The memory of an expression of rank 1.
template <class T, xtensor_like X> value_sink<T> strided_values(X& x) {
  return {x.data() + static_cast<std::ptrdiff_t>(x.data_offset()),
          static_cast<std::ptrdiff_t>(x.strides()[0])};
}

/// New samples; those of one event have rank 1.
template <class T, bool One> auto new_batch(std::size_t n, int size) {
  const auto d = static_cast<std::size_t>(size);
  if constexpr (One)
    return xt::xtensor<T, 1>(std::array<std::size_t, 1>{d});
  else
    return xt::xtensor<T, 2>(std::array<std::size_t, 2>{n, d});
}
/// A new number for each sample.
template <class T> using value_vector = xt::xtensor<T, 1>;

} // namespace detail
} // namespace bijou::inline BIJOU_ISA

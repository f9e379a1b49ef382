#pragma once
/// \file
/// Matrices of parameters in reverse mode by scope (number.hpp): R x C numbers, row by row, that
/// all samples share. They are read where they lie; only products and the like take them.
///
/// The cotangent of an entry is a sum over the samples of a tile. A small matrix has a register of
/// partial sums for each entry, as vectors of parameters have. A large one would fill the cache
/// with them: there the lanes of as many products as a register has lanes are summed at once, strip
/// by strip.

#include <bijou/reverse/products.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace bijou::inline BIJOU_ISA::reverse_mode {

namespace detail {

/// How an operation reads a matrix and hands cotangents back to it: entry k is the same in all
/// lanes.
template <class T, int R, int C> struct passive_entries {
  using value_type = T;
  static constexpr int rows = R, columns = C;
  static constexpr bool is_active = false;
  const T* numbers;

  BIJOU_INLINE simd::pack<T> value(int k) const { return simd::pack<T>(numbers[k]); }
};
/// With a register of partial sums for each entry.
template <class T, int R, int C> struct entries_with_sums : passive_entries<T, R, C> {
  static constexpr bool is_active = true;
  simd::pack<T>* sums;

  /// Adds to the cotangents of entries first, first + 1 ...: `count` times what f(j, start) adds to
  /// start.
  template <class F> BIJOU_INLINE void add_each(int first, int count, const F& f) const {
    simd::pack<T>* const to = sums + first;
    for (int j = 0; j < count; ++j) to[j] = f(j, to[j]);
  }
};
/// Without: the lanes of products are summed at once.
template <class T, int R, int C> struct entries_without_sums : passive_entries<T, R, C> {
  static constexpr bool is_active = true;
  T* gradient;

  template <class F> BIJOU_INLINE void add_each(int first, int count, const F& f) const {
    constexpr int w = simd::pack<T>::size;
    T* const to = gradient + first;
    for (int j = 0; j < count; j += w) {
      bijou::detail::registers_of<T, w> products;
      bijou::detail::unroll<w>([&](auto i) __attribute__((always_inline)) {
        products[i] = simd::pack<T>(T(0));
        if (j + i < count) products[i] = f(j + i, simd::pack<T>(T(0)));
      });
      list_numbers<T, w> lanes;
      sum_lanes<w>(products, lanes.numbers.data());
      const int n = std::min(w, count - j);
      for (int i = 0; i < n; ++i) to[j + i] += bijou::detail::at(lanes.numbers, i);
    }
  }
};

} // namespace detail

/// R x C parameters whose cotangents nobody asks for.
template <class T, int R, int C> class passive_matrix {
 public:
  using value_type = T;
  static constexpr int rows = R, columns = C;
  static constexpr bool is_active = false;

  BIJOU_INLINE explicit passive_matrix(const T* numbers) : numbers_(numbers) {}
  BIJOU_INLINE const T* data() const { return numbers_; }
  BIJOU_INLINE auto entries() const { return detail::passive_entries<T, R, C>{numbers_}; }

 private:
  const T* numbers_;
};

/// The same with their place in the gradient, which takes what is added to it at once.
template <class T, int R, int C> class active_matrix {
 public:
  using value_type = T;
  static constexpr int rows = R, columns = C;
  static constexpr bool is_active = true;

  BIJOU_INLINE active_matrix(const T* numbers, T* gradient)
      : numbers_(numbers), gradient_(gradient) {}
  BIJOU_INLINE const T* data() const { return numbers_; }
  BIJOU_INLINE T* gradient() const { return gradient_; }
  BIJOU_INLINE auto entries() const {
    return detail::entries_without_sums<T, R, C>{{numbers_}, gradient_};
  }

 private:
  const T* numbers_;
  T* gradient_;
};

namespace detail {

template <class X>
concept some_matrix = requires {
  X::rows;
  X::columns;
};
template <class X>
concept matrix_operand = some_matrix<std::remove_cvref_t<X>>;

/// Whether a matrix has partial sums: up to 8 KB of them, a quarter of a first-level cache.
template <class T, int Entries>
inline constexpr bool has_partial_sums = Entries * sizeof(simd::pack<T>) <= 8192;

/// A matrix while the strips of a tile run.
template <class T, int R, int C, bool Small = has_partial_sums<T, R * C>>
class shared_matrix : public active_matrix<T, R, C> {
 public:
  BIJOU_INLINE explicit shared_matrix(const active_matrix<T, R, C>& of)
      : active_matrix<T, R, C>(of) {}
};
template <class T, int R, int C>
class shared_matrix<T, R, C, true> : public active_matrix<T, R, C> {
 public:
  BIJOU_INLINE explicit shared_matrix(const active_matrix<T, R, C>& of)
      : active_matrix<T, R, C>(of) {
    clear<R * C>(sums_.data());
  }
  BIJOU_INLINE ~shared_matrix() {
    list_numbers<T, R * C> sums;
    sum_lanes<R * C>(sums_.data(), sums.numbers.data());
    T* const to = this->gradient();
    for (int k = 0; k < R * C; ++k) to[k] += bijou::detail::at(sums.numbers, k);
  }
  shared_matrix(const shared_matrix&) = delete;
  shared_matrix& operator=(const shared_matrix&) = delete;

  BIJOU_INLINE auto entries() const {
    return entries_with_sums<T, R, C>{{this->data()}, sums_.data()};
  }

 private:
  mutable std::array<simd::pack<T>, static_cast<std::size_t>(R* C)> sums_;
};

template <int D, class M, class T> BIJOU_INLINE void find_diagonal(const M& m, T* numbers) {
  for (int i = 0; i < D; ++i) numbers[i] = m.data()[i * (D + 1)];
  pad_list<D>(numbers);
}
template <class T, int D> class diagonal_result : public active_list<T, D> {
 public:
  BIJOU_INLINE explicit diagonal_result(const active_matrix<T, D, D>& m) : matrix_(m) {
    find_diagonal<D>(m, this->values_.numbers.data());
  }
  BIJOU_INLINE ~diagonal_result() {
    const T* const g = this->cotangents();
    T* const to = matrix_.gradient();
    for (int i = 0; i < D; ++i) to[i * (D + 1)] += g[i];
  }

 private:
  active_matrix<T, D, D> matrix_;
};

} // namespace detail

/// The diagonal of a square matrix, for prepare: a list, or a vector where each sample has its own.
template <detail::matrix_operand M> BIJOU_INLINE auto diagonal(const M& m) {
  using T = typename M::value_type;
  constexpr int D = M::rows;
  if constexpr (requires { m.diagonal(); }) {
    return m.diagonal();
  } else if constexpr (M::is_active) {
    return detail::diagonal_result<T, D>(m);
  } else {
    passive_list<T, D> numbers;
    detail::find_diagonal<D>(m, numbers.data());
    return numbers;
  }
}

} // namespace bijou::inline BIJOU_ISA::reverse_mode

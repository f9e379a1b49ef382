#pragma once
/// \file
/// Matrices of which each sample has its own, in reverse mode by scope (number.hpp): R x C rows of
/// a tile. They stand where matrices of parameters do (matrix.hpp), read by the same operations.

#include <bijou/reverse/vector.hpp>

#include <cstddef>

namespace bijou::inline BIJOU_ISA::reverse_mode {

namespace detail {

/// Entries in rows of L lanes: entry k in row position[k].
template <class T, int L, int R, int C> struct passive_entry_rows {
  using value_type = T;
  static constexpr int rows = R, columns = C;
  static constexpr bool is_active = false;
  const T* strip;
  const int* position;

  BIJOU_INLINE simd::pack<T> value(int k) const {
    return simd::pack<T>::load(strip + std::ptrdiff_t{position[k]} * L);
  }
};
template <class T, int L, int R, int C> struct active_entry_rows : passive_entry_rows<T, L, R, C> {
  static constexpr bool is_active = true;
  T* cotangents;

  /// See entries_with_sums.
  template <class F> BIJOU_INLINE void add_each(int first, int count, const F& f) const {
    for (int j = 0; j < count; ++j) {
      T* const to = cotangents + std::ptrdiff_t{this->position[first + j]} * L;
      f(j, simd::pack<T>::load(to)).store(to);
    }
  }
};

} // namespace detail

/// R x C numbers of each sample whose cotangents nobody asks for. Entry (i, j) lies in row
/// position[i C + j] of a strip, and diagonal[i] is position[i C + i].
template <class T, int L, int R, int C> class passive_matrix_rows {
 public:
  using value_type = T;
  static constexpr int rows = R, columns = C;
  static constexpr bool is_active = false;

  BIJOU_INLINE passive_matrix_rows(const T* strip, const int* position, const int* diagonal)
      : strip_(strip), position_(position), diagonal_(diagonal) {}
  BIJOU_INLINE auto entries() const {
    return detail::passive_entry_rows<T, L, R, C>{strip_, position_};
  }
  BIJOU_INLINE auto diagonal() const { return passive_rows<T, L, R>(strip_, diagonal_); }

 private:
  const T* strip_;
  const int *position_, *diagonal_;
};

/// The same with cotangents, in rows of a second block.
template <class T, int L, int R, int C> class active_matrix_rows {
 public:
  using value_type = T;
  static constexpr int rows = R, columns = C;
  static constexpr bool is_active = true;

  BIJOU_INLINE active_matrix_rows(const T* strip, T* cotangents, const int* position,
                                  const int* diagonal)
      : strip_(strip), cotangents_(cotangents), position_(position), diagonal_(diagonal) {}
  BIJOU_INLINE auto entries() const {
    return detail::active_entry_rows<T, L, R, C>{{strip_, position_}, cotangents_};
  }
  BIJOU_INLINE auto diagonal() const {
    return active_rows<T, L, R>(strip_, cotangents_, diagonal_);
  }

 private:
  const T* strip_;
  T* cotangents_;
  const int *position_, *diagonal_;
};

} // namespace bijou::inline BIJOU_ISA::reverse_mode

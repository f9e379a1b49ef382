#pragma once
/// \file
/// Vectors of reverse mode by scope (number.hpp): D numbers for each sample, active or passive.
///
/// A formula meets three kinds: the variables of a tile (rows), parameters (the same for all
/// samples), and what functions make of them. All are read by their variables, x[0], or whole.

#include <bijou/kernels/unroll.hpp>
#include <bijou/reverse/number.hpp>

#include <array>
#include <cstddef>

namespace bijou::inline BIJOU_ISA::reverse_mode {

namespace detail {

template <int D, class P> BIJOU_INLINE void clear(P* cotangents) {
  for_each_variable<D>([&](int d) __attribute__((always_inline)) {
    cotangents[d] = P(typename P::value_type(-0.0));
  });
}

/// One variable of an active vector.
template <class T, class View> class vector_variable : public active<T> {
 public:
  BIJOU_INLINE vector_variable(const View& view, int d)
      : active<T>(view.value(d)), view_(view), variable_(d) {}
  BIJOU_INLINE ~vector_variable() { view_.add(variable_, this->cotangent); }

 private:
  View view_;
  int variable_;
};

template <class T> struct values_view : without_cotangents<T> {
  const simd::pack<T>* values;
  BIJOU_INLINE explicit values_view(const simd::pack<T>* v) : values(v) {}
  BIJOU_INLINE simd::pack<T> value(int d) const { return values[d]; }
};
template <class T> struct vector_view : with_cotangents<vector_view<T>, T> {
  const simd::pack<T>* values;
  simd::pack<T>* cotangents;
  BIJOU_INLINE vector_view(const simd::pack<T>* v, simd::pack<T>* g) : values(v), cotangents(g) {}
  BIJOU_INLINE simd::pack<T> value(int d) const { return values[d]; }
  BIJOU_INLINE simd::pack<T> cotangent(int d) const { return cotangents[d]; }
  BIJOU_INLINE void set_cotangent(int d, simd::pack<T> g) const { cotangents[d] = g; }
};

} // namespace detail

/// What vectors have in common: x[d].
template <class Vector, class T> struct indexed {
  BIJOU_INLINE auto operator[](int d) const {
    const auto view = static_cast<const Vector&>(*this).view();
    using view_type = std::remove_const_t<decltype(view)>;
    if constexpr (view_type::is_active)
      return detail::vector_variable<T, view_type>(view, d);
    else
      return passive<T>{view.value(d)};
  }
};

/// D numbers whose cotangents nobody asks for.
template <class T, int D> struct passive_vector {
  using value_type = T;
  static constexpr int size = D;
  std::array<simd::pack<T>, static_cast<std::size_t>(D)> values;

  BIJOU_INLINE auto view() const { return detail::values_view<T>(values.data()); }
  BIJOU_INLINE passive<T> operator[](int d) const { return {detail::at(values, d)}; }
};

/// D numbers and their cotangents.
template <class T, int D> struct active_vector : indexed<active_vector<T, D>, T> {
  using value_type = T;
  static constexpr int size = D;
  std::array<simd::pack<T>, static_cast<std::size_t>(D)> values;
  mutable std::array<simd::pack<T>, static_cast<std::size_t>(D)> cotangents;

  BIJOU_INLINE active_vector() { detail::clear<D>(cotangents.data()); }
  /// Refused, as that of a number.
  active_vector(const active_vector& other) : values(other.values) {
    constexpr bool refers = sizeof(T) == 0;
    static_assert(refers,
                  "bijou: a value of a formula cannot be copied: refer to it, as in auto& same "
                  "= x");
  }
  active_vector& operator=(const active_vector&) = delete;
  BIJOU_INLINE auto view() const {
    return detail::vector_view<T>(values.data(), cotangents.data());
  }
};

/// D numbers that all samples share, read from memory: parameters, without cotangents.
template <class T, int D> class passive_parameters : public indexed<passive_parameters<T, D>, T> {
 public:
  using value_type = T;
  static constexpr int size = D;

  BIJOU_INLINE explicit passive_parameters(const T* values) : values_(values) {}

  struct view_type : detail::without_cotangents<T> {
    const T* values;
    BIJOU_INLINE explicit view_type(const T* v) : values(v) {}
    BIJOU_INLINE simd::pack<T> value(int d) const { return simd::pack<T>(values[d]); }
  };
  BIJOU_INLINE view_type view() const { return view_type(values_); }

 private:
  const T* values_;
};

/// D numbers that all samples share, with cotangents: each lane sums those of its samples.
template <class T, int D> class active_parameters : public indexed<active_parameters<T, D>, T> {
 public:
  using value_type = T;
  static constexpr int size = D;

  BIJOU_INLINE explicit active_parameters(const T* values) : values_(values) {
    detail::clear<D>(sums_.data());
  }
  active_parameters(const active_parameters&) = delete;
  active_parameters& operator=(const active_parameters&) = delete;

  struct view_type : detail::with_cotangents<view_type, T> {
    const T* values;
    simd::pack<T>* sums;
    BIJOU_INLINE view_type(const T* v, simd::pack<T>* s) : values(v), sums(s) {}
    BIJOU_INLINE simd::pack<T> value(int d) const { return simd::pack<T>(values[d]); }
    BIJOU_INLINE simd::pack<T> cotangent(int d) const { return sums[d]; }
    BIJOU_INLINE void set_cotangent(int d, simd::pack<T> g) const { sums[d] = g; }
  };
  BIJOU_INLINE view_type view() const { return view_type(values_, sums_.data()); }

 private:
  const T* values_;
  mutable std::array<simd::pack<T>, static_cast<std::size_t>(D)> sums_;
};

/// One strip of a tile's variables: variable d is row position[d], a row L numbers long.
template <class T, int L, int D> class passive_rows : public indexed<passive_rows<T, L, D>, T> {
 public:
  using value_type = T;
  static constexpr int size = D;

  BIJOU_INLINE passive_rows(const T* strip, const int* position)
      : strip_(strip), position_(position) {}

  struct view_type : detail::without_cotangents<T> {
    const T* strip;
    const int* position;
    BIJOU_INLINE view_type(const T* s, const int* p) : strip(s), position(p) {}
    BIJOU_INLINE simd::pack<T> value(int d) const {
      return simd::pack<T>::load(strip + std::ptrdiff_t{position[d]} * L);
    }
  };
  BIJOU_INLINE view_type view() const { return view_type(strip_, position_); }

 private:
  const T* strip_;
  const int* position_;
};

/// The same with cotangents, in rows of a second block.
template <class T, int L, int D> class active_rows : public indexed<active_rows<T, L, D>, T> {
 public:
  using value_type = T;
  static constexpr int size = D;

  BIJOU_INLINE active_rows(const T* strip, T* cotangents, const int* position)
      : strip_(strip), cotangents_(cotangents), position_(position) {}
  active_rows(const active_rows&) = delete;
  active_rows& operator=(const active_rows&) = delete;

  struct view_type : detail::with_cotangents<view_type, T> {
    const T* strip;
    T* cotangents;
    const int* position;
    BIJOU_INLINE view_type(const T* s, T* g, const int* p) : strip(s), cotangents(g), position(p) {}
    BIJOU_INLINE simd::pack<T> value(int d) const {
      return simd::pack<T>::load(strip + std::ptrdiff_t{position[d]} * L);
    }
    BIJOU_INLINE simd::pack<T> cotangent(int d) const {
      return simd::pack<T>::load(cotangents + std::ptrdiff_t{position[d]} * L);
    }
    BIJOU_INLINE void set_cotangent(int d, simd::pack<T> g) const {
      g.store(cotangents + std::ptrdiff_t{position[d]} * L);
    }
  };
  BIJOU_INLINE view_type view() const { return view_type(strip_, cotangents_, position_); }

 private:
  const T* strip_;
  T* cotangents_;
  const int* position_;
};

} // namespace bijou::inline BIJOU_ISA::reverse_mode

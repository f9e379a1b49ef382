#pragma once
/// \file
/// Lists of reverse mode by scope (number.hpp): D numbers that all samples of a tile share, side by
/// side in the lanes of registers. What a formula prepares once a tile is computed with them.
///
/// The cotangent of a number among lists is the sum over its lanes, which stay apart until the end:
/// the reverse sweep is linear in cotangents. Lanes beyond D hold anything, and reach no number.

#include <bijou/kernels/lane_sums.hpp>
#include <bijou/reverse/vector.hpp>

#include <array>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace bijou::inline BIJOU_ISA::reverse_mode {

namespace detail {

/// Registers that hold D numbers side by side.
template <class T, int D>
inline constexpr int blocks_of = (D + simd::pack<T>::size - 1) / simd::pack<T>::size;
template <class T, int D> struct list_numbers {
  static constexpr int padded = blocks_of<T, D> * simd::pack<T>::size;
  alignas(64) std::array<T, static_cast<std::size_t>(padded)> numbers;
};

/// The sums of the lanes of N registers, as numbers side by side.
template <int N, class T> BIJOU_INLINE void sum_lanes(const simd::pack<T>* registers, T* sums) {
  constexpr int w = simd::pack<T>::size;
  using lanes = bijou::detail::lanes_of<T>;
  for (int first = 0; first < N; first += w) {
    lanes row[static_cast<std::size_t>(w)]{};
    bijou::detail::unroll<w>([&](auto i) __attribute__((always_inline)) {
      if (first + i < N) std::memcpy(&row[i], &registers[first + i], sizeof row[i]);
    });
    bijou::detail::fold_rows<w / 2>(row);
    std::memcpy(sums + first, &row[0], sizeof row[0]);
  }
}

/// D numbers into whole registers, zeros behind them. Lane by lane where they end: a register that
/// is read after its numbers were written one by one waits for them.
template <int D, class T> BIJOU_INLINE void load_list(const T* from, T* to) {
  using pack = simd::pack<T>;
  constexpr int full = D / pack::size, rest = D % pack::size;
  for_each_variable<full>([&](int b) __attribute__((always_inline)) {
    pack::load(from + b * pack::size).store(to + b * pack::size);
  });
  if constexpr (rest > 0) {
    pack last(T(0));
    bijou::detail::unroll<rest>([&](auto d) __attribute__((always_inline)) {
      last = select(simd::iota<T>() == pack(T(d.value)), pack(from[full * pack::size + d]), last);
    });
    last.store(to + full * pack::size);
  }
}

/// Zeros behind D numbers that were written one by one.
template <int D, class T> BIJOU_INLINE void pad_list(T* numbers) {
  for (int d = D; d < list_numbers<T, D>::padded; ++d) numbers[d] = T(0);
}

/// The blocks of a list.
template <class T> struct passive_blocks : without_cotangents<T> {
  const T* values;
  BIJOU_INLINE explicit passive_blocks(const T* v) : values(v) {}
  BIJOU_INLINE simd::pack<T> value(int b) const {
    return simd::pack<T>::load(values + std::ptrdiff_t{b} * simd::pack<T>::size);
  }
};
template <class T> struct active_blocks : with_cotangents<active_blocks<T>, T> {
  const T* values;
  T* cotangents;
  BIJOU_INLINE active_blocks(const T* v, T* g) : values(v), cotangents(g) {}
  BIJOU_INLINE simd::pack<T> value(int b) const {
    return simd::pack<T>::load(values + std::ptrdiff_t{b} * simd::pack<T>::size);
  }
  BIJOU_INLINE simd::pack<T> cotangent(int b) const {
    return simd::pack<T>::load(cotangents + std::ptrdiff_t{b} * simd::pack<T>::size);
  }
  BIJOU_INLINE void set_cotangent(int b, simd::pack<T> g) const {
    g.store(cotangents + std::ptrdiff_t{b} * simd::pack<T>::size);
  }
};
/// A number among lists of D: what lanes beyond D say is dropped.
template <class T, int D> struct number_among_blocks {
  using pack = simd::pack<T>;
  static constexpr bool is_active = true;
  const active<T>& number;
  BIJOU_INLINE explicit number_among_blocks(const active<T>& x) : number(x) {}
  BIJOU_INLINE pack value(int) const { return number.value; }
  BIJOU_INLINE void add(int b, pack g) const { number.cotangent = number.cotangent + inside(b, g); }
  BIJOU_INLINE void add(int b, pack g, pack slope) const {
    if constexpr (D % pack::size == 0)
      number.cotangent = fma(g, slope, number.cotangent);
    else
      number.cotangent = number.cotangent + inside(b, g * slope);
  }
  BIJOU_INLINE void subtract(int b, pack g) const {
    number.cotangent = number.cotangent - inside(b, g);
  }
  BIJOU_INLINE void subtract(int b, pack g, pack slope) const {
    if constexpr (D % pack::size == 0)
      number.cotangent = fnma(g, slope, number.cotangent);
    else
      number.cotangent = number.cotangent - inside(b, g * slope);
  }

 private:
  BIJOU_INLINE static pack inside(int b, pack g) {
    if constexpr (D % pack::size == 0)
      return g;
    else
      return select(simd::iota<T>() < pack(static_cast<T>(D - b * pack::size)), g, pack(T(0)));
  }
};

/// One number of an active list.
template <class T> class list_number : public active<T> {
 public:
  BIJOU_INLINE list_number(T number, T* to) : active<T>(simd::pack<T>(number)), to_(to) {}
  BIJOU_INLINE ~list_number() { *to_ += bijou::detail::sum_of_lanes(this->cotangent); }

 private:
  T* to_;
};

} // namespace detail

/// D numbers of a tile, whose cotangents nobody asks for.
template <class T, int D> class passive_list {
 public:
  using value_type = T;
  static constexpr int size = D;
  static constexpr bool is_list = true;

  passive_list() = default;
  BIJOU_INLINE explicit passive_list(const T* from) {
    detail::load_list<D>(from, values_.numbers.data());
  }
  BIJOU_INLINE const T* data() const { return values_.numbers.data(); }
  BIJOU_INLINE T* data() { return values_.numbers.data(); }
  BIJOU_INLINE auto view() const { return detail::passive_blocks<T>(data()); }
  BIJOU_INLINE passive<T> operator[](int d) const { return {simd::pack<T>(data()[d])}; }

 private:
  detail::list_numbers<T, D> values_;
};

/// D numbers of a tile and their cotangents.
template <class T, int D> class active_list {
 public:
  using value_type = T;
  static constexpr int size = D;
  static constexpr bool is_list = true;

  BIJOU_INLINE active_list() { clear(); }
  BIJOU_INLINE explicit active_list(const T* from) {
    clear();
    detail::load_list<D>(from, values_.numbers.data());
  }
  /// Refused, as that of a number.
  active_list(const active_list& other) : values_(other.values_) {
    constexpr bool refers = sizeof(T) == 0;
    static_assert(refers,
                  "bijou: a value of a formula cannot be copied: refer to it, as in auto& same "
                  "= x");
  }
  active_list& operator=(const active_list&) = delete;

  BIJOU_INLINE const T* data() const { return values_.numbers.data(); }
  BIJOU_INLINE T* cotangents() const { return cotangents_.numbers.data(); }
  BIJOU_INLINE auto view() const { return detail::active_blocks<T>(data(), cotangents()); }
  BIJOU_INLINE auto operator[](int d) const {
    return detail::list_number<T>(data()[d], cotangents() + d);
  }

 protected:
  detail::list_numbers<T, D> values_;

 private:
  BIJOU_INLINE void clear() {
    const auto view = this->view();
    detail::for_each_variable<detail::blocks_of<T, D>>([&](int b) __attribute__((always_inline)) {
      view.set_cotangent(b, simd::pack<T>(T(-0.0)));
    });
  }

  mutable detail::list_numbers<T, D> cotangents_;
};

namespace detail {
template <class X>
concept some_list = requires { requires X::is_list; };

/// How an operand is read among lists of D numbers.
template <class T, int D, class X> BIJOU_INLINE auto block_view_of(X& x) {
  if constexpr (!some_list<std::remove_cv_t<X>> && requires { x.cotangent; })
    return number_among_blocks<T, D>(x);
  else
    return view_of<T>(x);
}
} // namespace detail

} // namespace bijou::inline BIJOU_ISA::reverse_mode

#pragma once
/// \file
/// The side that a formula makes: y of forward(x, y, ...). What a formula says of it is stored when
/// the formula is evaluated, and where the cotangents begin when it is swept (number.hpp).

#include <bijou/reverse/formulas.hpp>

#include <cstddef>

namespace bijou::inline BIJOU_ISA::reverse_mode {

/// What a formula is run for: its value, or the reverse sweep that pulls cotangents back.
enum class purpose : unsigned char { value, cotangents };

/// Where one value after the other is kept for the reverse sweep, a row each. Null: there will be
/// no reverse sweep, and nothing is kept.
template <purpose Purpose, class T, int L> class kept_place {
 public:
  static constexpr bool loads = Purpose == purpose::cotangents;

  BIJOU_INLINE explicit kept_place(T*& next) : next_(next) {}
  struct rows {
    T* first;
    BIJOU_INLINE explicit operator bool() const { return first != nullptr; }
    BIJOU_INLINE simd::pack<T> load(int d) const {
      return simd::pack<T>::load(first + std::ptrdiff_t{d} * L);
    }
    BIJOU_INLINE void store(int d, simd::pack<T> v) const {
      v.store(first + std::ptrdiff_t{d} * L);
    }
  };
  /// The places of the next N.
  template <int N> BIJOU_INLINE rows take() const {
    T* const first = next_;
    if (loads || first != nullptr) next_ = first + std::ptrdiff_t{N} * L;
    return {first};
  }

 private:
  T*& next_;
};

/// The side that a formula makes. All is said after all has been read, since the variables made lie
/// where those given did: mixing_layer::check_order.
template <purpose Purpose, class Rows> class output {
  using T = typename Rows::value_type;
  using pack = simd::pack<T>;
  static constexpr int D = Rows::size;
  static constexpr bool is_reverse = Purpose == purpose::cotangents;

 public:
  /// rows: what was given, or the cotangents of what is made; kept: where values are kept.
  BIJOU_INLINE output(const Rows& rows, T* kept) : rows_(rows), kept_(kept) {}
  output(const output&) = delete;
  output& operator=(const output&) = delete;

  /// Variable d. Those that nothing is said of stay what they are.
  template <operand X> BIJOU_INLINE void set(int d, const X& x) { set_one(d, view(x), 0); }
  /// All variables.
  template <operand X> BIJOU_INLINE void set(const X& x) {
    check_size<X>();
    const auto v = view(x);
    detail::for_each_variable<D>([&](int d) __attribute__((always_inline)) { set_one(d, v, d); });
  }
  /// What was given plus v; minus v for `subtract`.
  template <operand X> BIJOU_INLINE void add(const X& x) {
    check_size<X>();
    add_vector<false>(view(x));
  }
  template <operand X> BIJOU_INLINE void subtract(const X& x) {
    check_size<X>();
    add_vector<true>(view(x));
  }
  /// What was given plus v s, rounded once; plus -v s for `subtract`.
  template <operand X, operand S> BIJOU_INLINE void add(const X& x, const S& scale) {
    check_size<X>();
    add_product<false>(view(x), view(scale));
  }
  template <operand X, operand S> BIJOU_INLINE void subtract(const X& x, const S& scale) {
    check_size<X>();
    add_product<true>(view(x), view(scale));
  }
  /// The log-determinant of this map, nats; of a vector, the sum of its variables' shares.
  template <operand X> BIJOU_INLINE void log_det(const X& x) {
    const auto v = view(x);
    constexpr int shares = detail::size_of<X>() == 0 ? 1 : detail::size_of<X>();
    if constexpr (is_reverse) {
      const pack g = rows_.load_log_det();
      for (int d = 0; d < shares; ++d) v.add(d, g);
    } else {
      pack sum = v.value(0);
      for (int d = 1; d < shares; ++d)
        if (has(d)) sum = sum + v.value(d);
      rows_.store_log_det(rows_.load_log_det() + sum);
    }
  }
  /// For functions whose value is wanted again in the reverse sweep: tanh(x, y.kept()).
  BIJOU_INLINE auto kept() { return kept_place<Purpose, T, Rows::stride>(kept_); }

 private:
  /// Whether variable d is made, and not given up (mixing_layer::forward_first).
  BIJOU_INLINE bool has(int d) const {
    if constexpr (requires { rows_.has(d); })
      return rows_.has(d);
    else
      return true;
  }
  template <class X> static consteval void check_size() {
    constexpr bool fits = detail::size_of<X>() == D || !is_reverse;
    static_assert(fits,
                  "bijou: y.set(v), y.add(v) and y.add(v, scale) say what all variables are: v "
                  "is a vector of as many; y.set(d, value) sets one");
  }
  template <class X> BIJOU_INLINE static auto view(const X& x) { return detail::view_of<T>(x); }
  template <class View> BIJOU_INLINE void set_one(int d, const View& v, int from) {
    if constexpr (is_reverse) {
      v.add(from, rows_.load(d));
      rows_.store(d, pack(T(0)));
    } else {
      rows_.store(d, v.value(from));
    }
  }
  template <bool Minus, class View> BIJOU_INLINE void add_vector(const View& v) {
    const Rows rows = rows_;
    detail::for_each_variable<D>([&](int d) __attribute__((always_inline)) {
      const pack c = rows.load(d);
      if constexpr (is_reverse && Minus)
        v.subtract(d, c);
      else if constexpr (is_reverse)
        v.add(d, c);
      else
        rows.store(d, Minus ? c - v.value(d) : c + v.value(d));
    });
  }
  template <bool Minus, class View, class Scale>
  BIJOU_INLINE void add_product(const View& v, const Scale& scale) {
    const pack s = scale.value(0);
    const Rows rows = rows_;
    pack g(T(-0.0));
    detail::for_each_variable<D>([&](int d) __attribute__((always_inline)) {
      const pack c = rows.load(d), one = v.value(d);
      if constexpr (is_reverse) {
        g = fma(c, one, g);
        if constexpr (Minus)
          v.subtract(d, c, s);
        else
          v.add(d, c, s);
      } else {
        rows.store(d, Minus ? fnma(one, s, c) : fma(one, s, c));
      }
    });
    if constexpr (is_reverse) {
      if constexpr (Minus)
        scale.subtract(0, g);
      else
        scale.add(0, g);
    }
  }

  Rows rows_;
  T* kept_;
};

} // namespace bijou::inline BIJOU_ISA::reverse_mode

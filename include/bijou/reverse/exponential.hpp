#pragma once
/// \file
/// Exponentials of matrices, primitives of reverse mode by scope (number.hpp), for prepare: exp(M),
/// exp(-M), and the rotation exp(A - A^T).
///
/// Scaling and squaring: exp(M) = exp(M / 2^s)^(2^s) with s such that the sums of magnitudes in the
/// rows of M / 2^s are at most 1/2; there 8 terms of the Taylor series are exact to rounding in
/// float, 16 in double. The terms are summed in groups of four (Paterson and Stockmeyer 1973, *On
/// the number of nonscalar multiplications necessary to evaluate polynomials*): 4 + s products of
/// matrices, 6 + s in double. Moler and Van Loan 2003, *Nineteen dubious ways to compute the
/// exponential of a matrix, twenty-five years later*, method 3.
///
/// The cotangent of M is the Frechet derivative of exp at M^T in the direction of the cotangent of
/// exp(M), by the same recursion with derivatives of every step: three times the products (Al-Mohy
/// and Higham 2009, *Computing the Frechet derivative of the matrix exponential*).

#include <bijou/kernels/saturation.hpp>
#include <bijou/reverse/matrix.hpp>
#include <bijou/reverse/matrix_rows.hpp>

#include <array>
#include <cstddef>
#include <type_traits>

namespace bijou::inline BIJOU_ISA::reverse_mode {

namespace detail {

/// Where entries of an exponential end, so that products of two matrices, and products with
/// variables that have saturated where those of networks do, sum no infinities.
template <class T> inline constexpr T exponential_end = sizeof(T) == 4 ? T(0x1p56) : T(0x1p480);

// --- square matrices to compute with, row by row in blocks of registers

/// One matrix that all samples share, its columns side by side in lanes.
template <class T, int D> class square_of_columns {
 public:
  using P = simd::pack<T>;
  static constexpr int size = D, blocks = blocks_of<T, D>;

  BIJOU_INLINE P block(int i, int b) const { return P::load(numbers_.data() + first(i, b)); }
  BIJOU_INLINE void set_block(int i, int b, P v) { v.store(numbers_.data() + first(i, b)); }
  BIJOU_INLINE P entry(int i, int j) const { return P(bijou::detail::at(numbers_, i * row + j)); }
  BIJOU_INLINE void set_entry(int i, int j, P v) {
    bijou::detail::at(numbers_, i * row + j) = v.first();
  }
  /// Of the unit matrix times c.
  BIJOU_INLINE static P unit_block(int i, int b, P c) {
    return select(simd::iota<T>() == P(static_cast<T>(i - b * P::size)), c, P(T(0)));
  }
  /// Lanes beyond the last column are 0.
  BIJOU_INLINE void clear() { numbers_.fill(T(0)); }

 private:
  static constexpr int row = blocks * P::size;
  BIJOU_INLINE static int first(int i, int b) { return i * row + b * P::size; }

  alignas(64) std::array<T, static_cast<std::size_t>(D* row)> numbers_;
};
/// Matrices of which each sample has its own, in a lane.
template <class T, int D> class square_of_samples {
 public:
  using P = simd::pack<T>;
  static constexpr int size = D, blocks = D;

  BIJOU_INLINE P block(int i, int j) const { return entry(i, j); }
  BIJOU_INLINE void set_block(int i, int j, P v) { set_entry(i, j, v); }
  BIJOU_INLINE P entry(int i, int j) const { return bijou::detail::at(entries_, i * D + j); }
  BIJOU_INLINE void set_entry(int i, int j, P v) { bijou::detail::at(entries_, i * D + j) = v; }
  BIJOU_INLINE static P unit_block(int i, int j, P c) { return i == j ? c : P(T(0)); }
  BIJOU_INLINE void clear() {}

 private:
  std::array<P, static_cast<std::size_t>(D* D)> entries_;
};

template <class S, class F> BIJOU_INLINE void for_each_block(const F& f) {
  for (int i = 0; i < S::size; ++i)
    for (int b = 0; b < S::blocks; ++b) f(i, b);
}
/// to = a b, or to += a b; entries end at exponential_end. `to` is neither of the others.
template <bool Adds, class S>
[[gnu::noinline]] void multiply_squares(const S& a, const S& b, S& to) {
  using P = typename S::P;
  using T = typename P::value_type;
  for_each_block<S>([&](int i, int block) __attribute__((always_inline)) {
    P sum(T(0));
    if constexpr (Adds) sum = to.block(i, block);
    for (int k = 0; k < S::size; ++k) sum = fma(a.entry(i, k), b.block(k, block), sum);
    to.set_block(i, block, bijou::detail::saturated(sum, exponential_end<T>));
  });
}

// --- the exponential

/// By what the matrix of each lane is divided, a power of 2, and how often it is squared then.
template <class P> struct squarings {
  P factor, count;
  int most; ///< of any lane
};
template <class S> BIJOU_INLINE void scale(S& a, typename S::P factor) {
  for_each_block<S>([&](int i, int b) __attribute__((always_inline)) {
    a.set_block(i, b, a.block(i, b) * factor);
  });
}
/// Divides a by 2^s: its norm, the largest sum of magnitudes in a row, is then at most 1/2.
template <class S> BIJOU_INLINE auto scale_down(S& a) {
  using P = typename S::P;
  using T = typename P::value_type;
  const P half(T(0.5)), one(T(1));
  P norm(T(0));
  for (int i = 0; i < S::size; ++i) {
    P sum(T(0));
    for (int j = 0; j < S::size; ++j) sum = sum + abs(a.entry(i, j));
    norm = max(norm, sum);
  }
  squarings<P> s{one, P(T(0)), 0};
  for (; any(norm > half); ++s.most) {
    const auto above = norm > half;
    norm = select(above, norm * half, norm);
    s.factor = select(above, s.factor * half, s.factor);
    s.count = select(above, s.count + one, s.count);
  }
  scale(a, s.factor);
  return s;
}

/// Groups of four terms, with one term more in the last.
template <class T> inline constexpr int groups_of_terms = sizeof(T) == 4 ? 2 : 4;
/// 1 / n!
template <class T>
inline constexpr auto inverse_factorials = [] {
  std::array<T, 17> all{};
  long double product = 1;
  for (std::size_t n = 0; n < 17; product *= static_cast<long double>(++n))
    all[n] = static_cast<T>(1 / product);
  return all;
}();

/// The powers of a up to the fourth, and of their derivatives in a direction.
template <class S> struct powers_to_four {
  S first, second, third, fourth;
};
/// Four terms of the series: the powers 0 to 3 of a over the factorials from (4 group)! on; the
/// last group has the power 4 as well. Of derivatives the power 0 has none.
template <bool OfDerivative, class S>
BIJOU_INLINE void sum_group(const powers_to_four<S>& a, int group, bool is_last, S& to) {
  using P = typename S::P;
  using T = typename P::value_type;
  const auto over = [&](int n) {
    return P(bijou::detail::at(inverse_factorials<T>, 4 * group + n));
  };
  const P c0 = over(0), c1 = over(1), c2 = over(2), c3 = over(3);
  const P c4 = is_last ? over(4) : P(T(0));
  for_each_block<S>([&](int i, int b) __attribute__((always_inline)) {
    P sum = c4 * a.fourth.block(i, b);
    sum = fma(c3, a.third.block(i, b), sum);
    sum = fma(c2, a.second.block(i, b), sum);
    sum = fma(c1, a.first.block(i, b), sum);
    if constexpr (!OfDerivative) sum = sum + S::unit_block(i, b, c0);
    to.set_block(i, b, sum);
  });
}
/// Takes the next power of 2 in the lanes that are still to be squared.
template <class S>
BIJOU_INLINE void take_where(simd::mask<typename S::P::value_type> m, const S& from, S& to) {
  for_each_block<S>([&](int i, int b) __attribute__((always_inline)) {
    to.set_block(i, b, select(m, from.block(i, b), to.block(i, b)));
  });
}

/// a becomes exp(a).
template <class S> [[gnu::noinline]] void exponentiate(S& a) {
  using P = typename S::P;
  using T = typename P::value_type;
  constexpr int groups = groups_of_terms<T>;
  const squarings<P> s = scale_down(a);
  powers_to_four<S> p;
  p.first = a;
  multiply_squares<false>(a, a, p.second);
  multiply_squares<false>(a, p.second, p.third);
  multiply_squares<false>(p.second, p.second, p.fourth);
  S next;
  sum_group<false>(p, groups - 1, true, a);
  for (int group = groups - 2; group >= 0; --group) {
    sum_group<false>(p, group, false, next);
    multiply_squares<true>(p.fourth, a, next);
    a = next;
  }
  for (int n = 0; n < s.most; ++n) {
    multiply_squares<false>(a, a, next);
    take_where(s.count > P(static_cast<T>(n)), next, a);
  }
}
/// d becomes the Frechet derivative of exp at a in the direction d; a becomes exp(a).
template <class S> [[gnu::noinline]] void differentiate_exponential(S& a, S& d) {
  using P = typename S::P;
  using T = typename P::value_type;
  constexpr int groups = groups_of_terms<T>;
  const squarings<P> s = scale_down(a);
  scale(d, s.factor);
  // d(u v) = du v + u dv
  const auto multiply = [](const S& u, const S& du, const S& v, const S& dv, S& to) {
    multiply_squares<false>(du, v, to);
    multiply_squares<true>(u, dv, to);
  };
  powers_to_four<S> p, dp;
  p.first = a;
  dp.first = d;
  multiply_squares<false>(a, a, p.second);
  multiply(a, d, a, d, dp.second);
  multiply_squares<false>(a, p.second, p.third);
  multiply(a, d, p.second, dp.second, dp.third);
  multiply_squares<false>(p.second, p.second, p.fourth);
  multiply(p.second, dp.second, p.second, dp.second, dp.fourth);
  S next;
  sum_group<true>(dp, groups - 1, true, d);
  sum_group<false>(p, groups - 1, true, a);
  for (int group = groups - 2; group >= 0; --group) {
    sum_group<true>(dp, group, false, next);
    multiply_squares<true>(dp.fourth, a, next);
    multiply_squares<true>(p.fourth, d, next);
    d = next;
    sum_group<false>(p, group, false, next);
    multiply_squares<true>(p.fourth, a, next);
    a = next;
  }
  for (int n = 0; n < s.most; ++n) {
    const auto more = s.count > P(static_cast<T>(n));
    multiply(a, d, a, d, next);
    take_where(more, next, d);
    multiply_squares<false>(a, a, next);
    take_where(more, next, a);
  }
}

// --- of what it is taken

/// M, or -M: the exponential of either undoes that of the other.
template <class T> struct signed_entries {
  T sign;

  static constexpr bool reads(int, int) { return true; }
  template <int D, class Entries> BIJOU_INLINE auto value(const Entries& m, int i, int j) const {
    return simd::pack<T>(sign) * m.value(i * D + j);
  }
  /// What the cotangent g of this matrix, a function of the place, adds to that of an entry of M
  /// that is read.
  template <int D, class G> BIJOU_INLINE auto cotangent(const G& g, int i, int j) const {
    return simd::pack<T>(sign) * g(i, j);
  }
};
/// A - A^T of the entries of A below its diagonal.
template <class T> struct antisymmetric_entries {
  static constexpr bool reads(int i, int j) { return i > j; }
  template <int D, class Entries> BIJOU_INLINE auto value(const Entries& a, int i, int j) const {
    if (i > j) return a.value(i * D + j);
    return i == j ? simd::pack<T>(T(0)) : -a.value(j * D + i);
  }
  template <int D, class G> BIJOU_INLINE auto cotangent(const G& g, int i, int j) const {
    return g(i, j) - g(j, i);
  }
};

/// S of a matrix of parameters, or its transpose.
template <bool Transposed, class S, class Matrix, class Of>
BIJOU_INLINE void load_square(const Matrix& m, const Of& of, S& to) {
  constexpr int D = S::size;
  using T = typename S::P::value_type;
  const auto entries = m.entries();
  to.clear();
  for (int i = 0; i < D; ++i)
    for (int j = 0; j < D; ++j)
      to.set_entry(Transposed ? j : i, Transposed ? i : j,
                   bijou::detail::saturated(of.template value<D>(entries, i, j), T(0x1p56)));
}

// --- results

/// The exponential of a matrix that all samples share, D^2 numbers.
template <class T, int D> struct exponential_numbers {
  std::array<T, static_cast<std::size_t>(D* D)> values;

  template <class Matrix, class Of> BIJOU_INLINE void find(const Matrix& m, const Of& of) {
    square_of_columns<T, D> a;
    load_square<false>(m, of, a);
    exponentiate(a);
    for (int k = 0; k < D * D; ++k) bijou::detail::at(values, k) = a.entry(k / D, k % D).first();
  }
};
template <class T, int D> class passive_exponential {
 public:
  using value_type = T;
  static constexpr int rows = D, columns = D;
  static constexpr bool is_active = false;

  template <class Matrix, class Of>
  BIJOU_INLINE passive_exponential(const Matrix& m, const Of& of) {
    numbers_.find(m, of);
  }
  BIJOU_INLINE const T* data() const { return numbers_.values.data(); }
  BIJOU_INLINE auto entries() const { return passive_entries<T, D, D>{data()}; }

 private:
  exponential_numbers<T, D> numbers_;
};
template <class T, int D> struct exponential_and_cotangents : exponential_numbers<T, D> {
  std::array<T, static_cast<std::size_t>(D* D)> cotangents{};
};
template <class T, int D, class Of>
class active_exponential : exponential_and_cotangents<T, D>, public active_matrix<T, D, D> {
  using numbers = exponential_and_cotangents<T, D>;

 public:
  BIJOU_INLINE active_exponential(const active_matrix<T, D, D>& m, const Of& of)
      : active_matrix<T, D, D>(numbers::values.data(), numbers::cotangents.data()), m_(m), of_(of) {
    this->find(m, of);
  }
  BIJOU_INLINE ~active_exponential() {
    square_of_columns<T, D> a, d;
    load_square<true>(m_, of_, a);
    d.clear();
    for (int k = 0; k < D * D; ++k)
      d.set_entry(k / D, k % D, simd::pack<T>(bijou::detail::at(numbers::cotangents, k)));
    differentiate_exponential(a, d);
    T* const to = m_.gradient();
    const auto g = [&](int i, int j) __attribute__((always_inline)) { return d.entry(i, j); };
    for (int i = 0; i < D; ++i)
      for (int j = 0; j < D; ++j)
        if (Of::reads(i, j)) to[i * D + j] += of_.template cotangent<D>(g, i, j).first();
  }
  active_exponential(const active_exponential&) = delete;
  active_exponential& operator=(const active_exponential&) = delete;

 private:
  active_matrix<T, D, D> m_;
  Of of_;
};

/// The same of matrices of which each sample has its own.
template <class S> struct passive_square_entries {
  using P = typename S::P;
  using value_type = typename P::value_type;
  static constexpr int rows = S::size, columns = S::size;
  static constexpr bool is_active = false;
  const S* values;

  BIJOU_INLINE P value(int k) const { return values->entry(k / rows, k % rows); }
};
template <class S> struct active_square_entries : passive_square_entries<S> {
  using P = typename S::P;
  static constexpr bool is_active = true;
  S* cotangents;

  template <class F> BIJOU_INLINE void add_each(int first, int count, const F& f) const {
    for (int j = 0; j < count; ++j) {
      const int row = (first + j) / S::size, column = (first + j) % S::size;
      cotangents->set_entry(row, column, f(j, cotangents->entry(row, column)));
    }
  }
};
template <class T, int D> class passive_exponential_of_samples {
 public:
  using value_type = T;
  static constexpr int rows = D, columns = D;
  static constexpr bool is_active = false;

  template <class Matrix, class Of>
  BIJOU_INLINE passive_exponential_of_samples(const Matrix& m, const Of& of) {
    load_square<false>(m, of, values_);
    exponentiate(values_);
  }
  BIJOU_INLINE auto entries() const {
    return passive_square_entries<square_of_samples<T, D>>{&values_};
  }

 private:
  square_of_samples<T, D> values_;
};
template <class T, int D, class Matrix, class Of> class active_exponential_of_samples {
 public:
  using value_type = T;
  using P = simd::pack<T>;
  static constexpr int rows = D, columns = D;
  static constexpr bool is_active = true;

  BIJOU_INLINE active_exponential_of_samples(const Matrix& m, const Of& of) : m_(m), of_(of) {
    load_square<false>(m, of, values_);
    exponentiate(values_);
    for_each_block<square_of_samples<T, D>>([&](int i, int j) __attribute__((always_inline)) {
      cotangents_.set_entry(i, j, P(T(-0.0)));
    });
  }
  BIJOU_INLINE ~active_exponential_of_samples() {
    load_square<true>(m_, of_, values_);
    differentiate_exponential(values_, cotangents_);
    const auto to = m_.entries();
    const auto g = [&](int i, int j) __attribute__((always_inline)) {
      return cotangents_.entry(i, j);
    };
    for (int i = 0; i < D; ++i)
      for (int j = 0; j < D; ++j)
        if (Of::reads(i, j)) {
          const P more = of_.template cotangent<D>(g, i, j);
          to.add_each(
              i * D + j,
              1, [&](int, P start) __attribute__((always_inline)) { return start + more; });
        }
  }
  active_exponential_of_samples(const active_exponential_of_samples&) = delete;
  active_exponential_of_samples& operator=(const active_exponential_of_samples&) = delete;

  BIJOU_INLINE auto entries() const {
    return active_square_entries<square_of_samples<T, D>>{{&values_}, &cotangents_};
  }

 private:
  Matrix m_;
  Of of_;
  square_of_samples<T, D> values_;
  mutable square_of_samples<T, D> cotangents_;
};

/// The exponential of what Of makes of the entries of m, in the kind that m is of.
template <class M, class Of> BIJOU_INLINE auto exponential_of(const M& m, const Of& of) {
  using T = typename M::value_type;
  constexpr int D = M::rows;
  constexpr bool is_square = M::rows == M::columns;
  static_assert(is_square, "bijou: an exponential is taken of a matrix of D x D parameters");
  if constexpr (requires { m.data(); }) {
    if constexpr (M::is_active)
      return active_exponential<T, D, Of>(m, of);
    else
      return passive_exponential<T, D>(m, of);
  } else {
    if constexpr (M::is_active)
      return active_exponential_of_samples<T, D, M, Of>(m, of);
    else
      return passive_exponential_of_samples<T, D>(m, of);
  }
}

} // namespace detail

/// exp(sign M), for prepare; sign: 1 or -1. Cost: 4 + s products of D x D matrices, 6 + s in
/// double, with s = max(0, ceil(log2(2 |M|))) in the norm of rows; of its reverse sweep, three
/// times that. Entries of M beyond 2^56 count as that; those of the exponential end at 2^56 in
/// float, 2^480 in double.
template <detail::matrix_operand M>
BIJOU_INLINE auto exponential(const M& m, typename M::value_type sign) {
  return detail::exponential_of(m, detail::signed_entries<typename M::value_type>{sign});
}
/// exp(A - A^T) of the entries of A below its diagonal, a rotation: its transpose is its inverse.
/// Cost: as of exponential.
template <detail::matrix_operand M> BIJOU_INLINE auto rotation_by(const M& a) {
  return detail::exponential_of(a, detail::antisymmetric_entries<typename M::value_type>{});
}

} // namespace bijou::inline BIJOU_ISA::reverse_mode

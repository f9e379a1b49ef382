#pragma once
/// \file
/// Where values on the line end: at the least number whose square overflows.
///
/// A flow stretches far points further with every word, until a type can no longer hold them. A
/// network that reads an infinity forms inf - inf, which is NaN, in all that depends on it. So no
/// word with a network leaves, and none reads, a value beyond +-saturation: 2^64 in float, 2^512 in
/// double. The networks' sums then have the other half of the exponents to themselves, and nothing
/// is lost: the normal density is 0 there (x^2 overflows). That a sample was saturated on its way
/// is remembered as a NaN in its log-determinant, which the flow turns into log p = -inf.
///
/// Cost: a multiply-add for each value and a branch for each strip of lanes, off the way of what
/// waits for the values.

#include <bijou/kernels/simd.hpp>

#include <limits>

namespace bijou::inline BIJOU_ISA::detail {

/// The greatest magnitude that values on the line take in words with a network.
template <class T> inline constexpr T saturation = sizeof(T) == 4 ? T(0x1p64) : T(0x1p512);
/// The same for words that sum over variables once, with weights of their own.
template <class T> inline constexpr T linear_saturation = sizeof(T) == 4 ? T(0x1p100) : T(0x1p960);

/// x, or the end it lies beyond. A NaN stays.
template <class T> BIJOU_INLINE simd::pack<T> saturated(simd::pack<T> x, T end) {
  using P = simd::pack<T>;
  return max(P(-end), min(P(end), x));
}

/// Looks at values that go by for one that must be saturated.
template <class T> class saturation_watch {
  using pack = simd::pack<T>;
  pack squares_{T(0)};

 public:
  BIJOU_INLINE void see(pack x) { squares_ = fma(x, x, squares_); }
  /// Whether a value may have been beyond the ends, or was NaN: saturate_rows knows.
  BIJOU_INLINE bool tripped() const {
    return any(!(squares_ < pack(std::numeric_limits<T>::infinity())));
  }
};

/// Saturates `count` rows of a tile: rows[0] ..., or the first ones where `rows` is null. Lanes
/// with a value at or beyond an end get NaN into `mark`.
template <int L, class T>
[[gnu::cold, gnu::noinline]] void saturate_rows(T* x, const int* rows, int count, T* mark,
                                                int lanes, T end) {
  using P = simd::pack<T>;
  const P nan(std::numeric_limits<T>::quiet_NaN());
  for (int s = 0; s < lanes; s += P::size) {
    P marked = P::load(mark + s);
    for (int r = 0; r < count; ++r) {
      T* const row = x + (rows ? rows[r] : r) * L + s;
      const P v = P::load(row);
      marked = select(abs(v) >= P(end), nan, marked);
      saturated(v, end).store(row);
    }
    marked.store(mark + s);
  }
}

/// Saturates the first `count` rows, if they have anything to saturate.
template <int L, class T> void saturate_tile(T* x, int count, T* mark, int lanes, T end) {
  using P = simd::pack<T>;
  saturation_watch<T> watch, other; // two, so that one need not wait for itself
  for (int r = 0; r < count; ++r) {
    const T* const row = x + r * L;
    int s = 0;
    for (; s + 2 * P::size <= lanes; s += 2 * P::size) {
      watch.see(P::load(row + s));
      other.see(P::load(row + s + P::size));
    }
    for (; s < lanes; s += P::size) watch.see(P::load(row + s));
  }
  if (watch.tripped() || other.tripped()) [[unlikely]]
    saturate_rows<L>(x, nullptr, count, mark, lanes, end);
}

/// Saturates one value; `mark` gets NaN where it was at or beyond an end.
template <class T> [[gnu::cold, gnu::noinline]] T saturated_value(T x, T& mark, T end) {
  if (x >= end || x <= -end) mark = std::numeric_limits<T>::quiet_NaN();
  return saturated(simd::pack<T>(x), end).first();
}

/// Saturates the values of one event: whole registers of them are watched together.
template <class T> void saturate_event(T* x, int count, T* mark, T end) {
  using P = simd::pack<T>;
  const auto one_by_one = [&](int first, int last) {
    for (int i = first; i < last; ++i)
      if (!(x[i] < end && x[i] > -end)) [[unlikely]]
        x[i] = saturated_value(x[i], *mark, end);
  };
  const int whole = count - count % P::size;
  saturation_watch<T> watch;
  for (int i = 0; i < whole; i += P::size) watch.see(P::load(x + i));
  if (watch.tripped()) [[unlikely]]
    one_by_one(0, whole);
  one_by_one(whole, count);
}

} // namespace bijou::inline BIJOU_ISA::detail

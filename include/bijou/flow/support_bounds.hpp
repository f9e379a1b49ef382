#pragma once
/// \file
/// The ends of a support as loops over tiles compare samples with them.

#include <bijou/kernels/simd.hpp>

#include <cstddef>
#include <limits>
#include <span>

namespace bijou::inline BIJOU_ISA::detail {

/// The ends of a support, both inside, and a value between them, for each row.
template <class T> struct support_bounds {
  std::span<const T> low, high, inside;

  /// A value outside is replaced by the one inside, and `outside` is -inf.
  BIJOU_INLINE void check(std::size_t row, simd::pack<T>& v, simd::pack<T>& outside) const {
    using pack = simd::pack<T>;
    const auto out = (v < pack(low[row])) | (v > pack(high[row]));
    outside = select(out, pack(-std::numeric_limits<T>::infinity()), outside);
    v = select(out, pack(inside[row]), v);
  }
};
/// Checks the first `given` rows of L lanes, and puts 0 or -inf into `outside` for each lane. Rows
/// that are not given get values inside.
template <int L, class T>
void guard_rows(const support_bounds<T>& bounds, T* x, T* outside, int lanes, int given) {
  using pack = simd::pack<T>;
  const auto rows = bounds.inside.size(), checked = static_cast<std::size_t>(given);
  for (int s = 0; s < lanes; s += pack::size) {
    pack penalty(T(0));
    for (std::size_t row = 0; row < checked; ++row) {
      T* const at = x + row * L + s;
      pack v = pack::load(at);
      bounds.check(row, v, penalty);
      v.store(at);
    }
    for (std::size_t row = checked; row < rows; ++row)
      pack(bounds.inside[row]).store(x + row * L + s);
    penalty.store(outside + s);
  }
}

} // namespace bijou::inline BIJOU_ISA::detail

#pragma once
/// \file
/// Points outside the support: found where data enters, before any word sees them.

#include <bijou/flow/program.hpp>
#include <bijou/flow/support_bounds.hpp>
#include <bijou/kernels/simd.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace bijou::inline BIJOU_ISA::detail {

/// Compares samples with the support of a flow. A coordinate outside is replaced by one inside, so
/// that the chain computes something finite, and its sample is given a log p of -inf at the end. A
/// NaN is neither inside nor outside: it stays, and makes its own log p NaN.
template <class T, class E> class support_guard {
  static constexpr int size = program<T, E>::size;
  using pack = simd::pack<T>;

 public:
  support_guard() = default;
  explicit support_guard(const program<T, E>& p) {
    const auto& bounds = p.bounds();
    for (std::size_t v = 0; v < static_cast<std::size_t>(size); ++v) {
      const auto row = static_cast<std::size_t>(p.position()[v]);
      const bool open = program<T, E>::support[v] == kind::line ||
                        program<T, E>::support[v] == kind::positive ||
                        program<T, E>::support[v] == kind::symmetric;
      constexpr T inf = std::numeric_limits<T>::infinity();
      const T low = static_cast<T>(bounds.low[v]);
      const T high = static_cast<T>(bounds.high[v]);
      // Open ends are written as closed ones at the next number inside.
      low_[row] = open ? std::nextafter(low, inf) : low;
      high_[row] = open || high == inf ? std::nextafter(high, -inf) : high;
      const T above = low < T(1) ? T(1) : low + low; // of a half-line
      inside_[row] = low == -inf ? T(0) : high == inf ? above : low + (high - low) / 2;
    }
  }

  /// For the rows of tiles.
  support_bounds<T> bounds() const { return {low_, high_, inside_}; }
  pack event(T* x) const {
    pack outside(T(0));
    const support_bounds<T> b = bounds();
    for (std::size_t row = 0; row < static_cast<std::size_t>(size); ++row) {
      pack v(x[row]);
      b.check(row, v, outside);
      x[row] = v[0];
    }
    return outside;
  }

 private:
  std::array<T, static_cast<std::size_t>(size)> low_{}, high_{}, inside_{};
};

} // namespace bijou::inline BIJOU_ISA::detail

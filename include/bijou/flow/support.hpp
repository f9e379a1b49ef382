#pragma once
/// \file
/// Points outside the support: found where data enters, before any word sees them.

#include <bijou/flow/program.hpp>
#include <bijou/kernels/simd.hpp>

#include <array>
#include <limits>

namespace bijou::inline BIJOU_ISA::detail {

/// Compares samples with the support of a flow. A coordinate outside is replaced by one inside, so
/// that the chain computes something finite, and its sample is given a log p of -inf at the end. A
/// NaN is neither inside nor outside: it stays, and makes its own log p NaN.
template <class T, class E> class support_guard {
  static constexpr int size = program<T, E>::size;
  static constexpr int lanes = program<T, E>::lanes;
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
      high_[row] = open ? std::nextafter(high, -inf) : high;
      inside_[row] = low == -inf ? T(0) : high == inf ? T(1) : low + (high - low) / 2;
    }
  }

  /// Puts 0 or -inf into `penalty` for each lane.
  void tile(T* x, T* penalty, int n) const {
    for (int s = 0; s < n; s += pack::size) {
      pack outside(T(0));
      for (int row = 0; row < size; ++row) {
        T* at = x + row * lanes + s;
        pack v = pack::load(at);
        check(v, outside, static_cast<std::size_t>(row));
        v.store(at);
      }
      outside.store(penalty + s);
    }
  }
  /// The same where only the first `rows` rows are given: the others get values inside.
  void tile_first(T* x, T* penalty, int n, int rows) const {
    for (int s = 0; s < n; s += pack::size) {
      pack outside(T(0));
      for (int row = 0; row < size; ++row) {
        T* at = x + row * lanes + s;
        pack v = row < rows ? pack::load(at) : pack(inside_[static_cast<std::size_t>(row)]);
        if (row < rows) check(v, outside, static_cast<std::size_t>(row));
        v.store(at);
      }
      outside.store(penalty + s);
    }
  }
  pack event(T* x) const {
    pack outside(T(0));
    for (int row = 0; row < size; ++row) {
      pack v(x[row]);
      check(v, outside, static_cast<std::size_t>(row));
      x[row] = v[0];
    }
    return outside;
  }

 private:
  BIJOU_INLINE void check(pack& v, pack& outside, std::size_t row) const {
    const auto out = (v < pack(low_[row])) | (v > pack(high_[row]));
    outside = select(out, pack(-std::numeric_limits<T>::infinity()), outside);
    v = select(out, pack(inside_[row]), v);
  }

  std::array<T, static_cast<std::size_t>(size)> low_{}, high_{}, inside_{};
};

} // namespace bijou::inline BIJOU_ISA::detail

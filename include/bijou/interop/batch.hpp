#pragma once
/// \file
/// Batches: where samples come from and where results go, a tile or an event at a time.
///
/// A source is memory with strides, or anything that a function fills rows from (xtensor
/// expressions: interop/xtensor.hpp). Variable v of a sample goes to row position[v]. A sink is its
/// reverse. There is one type of each, so that what maps and scores is compiled once for a flow.

#include <bijou/kernels/tile.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

/// `count` samples in memory: variable v of sample i is data[i * sample_stride + v *
/// variable_stride]. Row-major is {data, n, D, 1}; strides count elements.
template <class T> struct batch_view {
  T* data = nullptr;                  ///< variable 0 of sample 0
  std::size_t count = 0;              ///< samples
  std::ptrdiff_t sample_stride = 0;   ///< elements from a sample to the next
  std::ptrdiff_t variable_stride = 1; ///< elements from a variable to the next

  /// Samples that may be written may be read.
  constexpr operator batch_view<const T>() const // NOLINT(google-explicit-constructor)
    requires(!std::is_const_v<T>)
  {
    return {data, count, sample_stride, variable_stride};
  }
};

/// Row-major samples, one after another.
template <class T> constexpr batch_view<T> rows_of(T* data, std::size_t count, int size) {
  return {data, count, size, 1};
}

namespace detail {

/// True for the table 0, 1, 2, ...: blocks of rows can then be transposed.
inline bool is_identity(const int* position, int size) {
  for (int v = 0; v < size; ++v)
    if (position[v] != v) return false;
  return true;
}

/// Samples that are read.
template <class T> class sample_source {
 public:
  /// Puts variable v of samples first ... first + n - 1 into rows[position[v] * lanes], one after
  /// the other.
  using filler = void (*)(const void* from, std::size_t first, int n, int size, T* rows, int lanes,
                          const int* position);

  /// None at all.
  sample_source() = default;
  /// Of memory.
  template <class U>
    requires std::is_convertible_v<batch_view<U>, batch_view<const T>>
  sample_source(const batch_view<U>& memory) // NOLINT(google-explicit-constructor): it is one
      : memory_(memory) {}
  /// Of anything else, which lives as long.
  sample_source(const void* from, std::size_t count, filler fill) : from_(from), fill_(fill) {
    memory_.count = count;
  }

  std::size_t count() const { return memory_.count; }
  /// Where they lie, or null.
  const batch_view<const T>* memory() const { return fill_ ? nullptr : &memory_; }
  /// Samples first ... first + n - 1 alone.
  sample_source part(std::size_t first, std::size_t n) const {
    sample_source p = *this;
    p.memory_.count = n;
    if (fill_)
      p.first_ += first;
    else
      p.memory_.data += static_cast<std::ptrdiff_t>(first) * memory_.sample_stride;
    return p;
  }

  /// Fills rows of L lanes; spare lanes repeat the last sample.
  template <int L>
  void load(std::size_t first, int n, int size, T* tile, const int* position) const {
    if (!fill_) [[likely]] {
      load_tile<T, L>(view(first), n, size, tile, is_identity(position, size) ? nullptr : position);
      return;
    }
    fill_(from_, first_ + first, n, size, tile, L, position);
    for (int v = 0; v < size; ++v) {
      T* const row = tile + position[v] * L;
      std::fill(row + n, row + lanes_for<T>(n), row[n - 1]);
    }
  }
  /// One event.
  void load(std::size_t i, int size, T* values, const int* position) const {
    if (fill_) [[unlikely]]
      return fill_(from_, first_ + i, 1, size, values, 1, position);
    const auto from = view(i);
    for (int v = 0; v < size; ++v) values[position[v]] = *from.variable(v);
  }

 private:
  sample_view<const T> view(std::size_t first) const {
    return {memory_.data + static_cast<std::ptrdiff_t>(first) * memory_.sample_stride,
            memory_.sample_stride, memory_.variable_stride};
  }

  batch_view<const T> memory_;
  const void* from_ = nullptr;
  filler fill_ = nullptr;
  std::size_t first_ = 0;
};

/// Where samples go.
template <class T> class sample_sink {
 public:
  /// Takes variable v of samples first ... first + n - 1 from rows[position[v] * lanes].
  using taker = void (*)(void* to, std::size_t first, int n, int size, const T* rows, int lanes,
                         const int* position);

  /// Nowhere: nobody wants them.
  sample_sink() = default;
  /// Into memory.
  sample_sink(const batch_view<T>& memory) // NOLINT(google-explicit-constructor): it is one
      : memory_(memory) {}
  /// Into anything else, which lives as long.
  sample_sink(void* to, taker take) : to_(to), take_(take) {}

  explicit operator bool() const { return memory_.data != nullptr || take_ != nullptr; }
  /// The places of samples first, first + 1, ...
  sample_sink part(std::size_t first) const {
    sample_sink p = *this;
    p.first_ += first;
    return p;
  }

  /// Stores n lanes of rows of L.
  template <int L>
  void store(std::size_t first, int n, int size, const T* tile, const int* position) const {
    if (take_) [[unlikely]]
      return take_(to_, first_ + first, n, size, tile, L, position);
    store_tile<T, L>(tile, n, size, view(first), is_identity(position, size) ? nullptr : position);
  }
  /// One event.
  void store(std::size_t i, int size, const T* values, const int* position) const {
    if (take_) [[unlikely]]
      return take_(to_, first_ + i, 1, size, values, 1, position);
    const auto to = view(i);
    for (int v = 0; v < size; ++v) *to.variable(v) = values[position[v]];
  }

 private:
  sample_view<T> view(std::size_t first) const {
    return {memory_.data + static_cast<std::ptrdiff_t>(first_ + first) * memory_.sample_stride,
            memory_.sample_stride, memory_.variable_stride};
  }

  batch_view<T> memory_;
  void* to_ = nullptr;
  taker take_ = nullptr;
  std::size_t first_ = 0;
};

/// Where a number for each sample goes: that of sample i to data[i * stride]. Null: nobody wants
/// it.
template <class T> struct value_sink {
  T* data = nullptr;
  std::ptrdiff_t stride = 1;

  constexpr value_sink() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a plain pointer is the usual case
  constexpr value_sink(T* first, std::ptrdiff_t step = 1) : data(first), stride(step) {}

  explicit operator bool() const { return data != nullptr; }
  void set(std::size_t i, T value) const { data[static_cast<std::ptrdiff_t>(i) * stride] = value; }
  /// The numbers of samples first .. first + n - 1.
  void set(std::size_t first, int n, const T* values) const {
    if (stride == 1)
      std::copy_n(values, n, data + first);
    else
      for (int i = 0; i < n; ++i) set(first + static_cast<std::size_t>(i), values[i]);
  }
  /// The sink of samples first, first + 1, ...
  value_sink from(std::size_t first) const {
    return data ? value_sink{data + static_cast<std::ptrdiff_t>(first) * stride, stride} : *this;
  }
};

/// The contexts of a batch: none where the flow has no given<C>, values that all samples share
/// (with the first layers' biases they were folded into, or null), or a row for each sample.
template <class T> struct context_source {
  sample_source<T> rows;
  const T* values = nullptr;
  const T* folded = nullptr;

  /// Those of samples first ... first + n - 1.
  context_source part(std::size_t first, std::size_t n) const {
    return {values ? rows : rows.part(first, n), values, folded};
  }
};

} // namespace detail
} // namespace bijou::inline BIJOU_ISA

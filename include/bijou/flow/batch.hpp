#pragma once
/// \file
/// Batches in memory: where samples come from and where results go, a tile at a time.
///
/// A source has `count()` and two `load` functions: one that fills the rows of a tile, one for a
/// single event. Variable v goes to row (or value) position[v]. A sink is its reverse. Other kinds
/// of batch (xtensor expressions, for one) are further sources: interop/xtensor.hpp.

#include <bijou/kernels/tile.hpp>

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

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

/// A source that reads memory.
template <class T> struct memory_source {
  batch_view<const T> batch;

  std::size_t count() const { return batch.count; }
  template <int L>
  void load(std::size_t first, int n, int size, T* tile, const int* position) const {
    load_tile<T, L>(view(first), n, size, tile, is_identity(position, size) ? nullptr : position);
  }
  void load(std::size_t i, int size, T* values, const int* position) const {
    const auto from = view(i);
    for (int v = 0; v < size; ++v) values[position[v]] = *from.variable(v);
  }

 private:
  sample_view<const T> view(std::size_t first) const {
    return {batch.data + static_cast<std::ptrdiff_t>(first) * batch.sample_stride,
            batch.sample_stride, batch.variable_stride};
  }
};

/// A source that gives its first sample again and again.
template <class Source> struct repeated_source {
  Source first_sample;

  template <int L, class T>
  void load(std::size_t, int n, int size, T* tile, const int* position) const {
    first_sample.template load<L>(0, 1, size, tile, position);
    for (int v = 0; v < size; ++v) std::fill_n(tile + v * L, lanes_for<T>(n), tile[v * L]);
  }
  template <class T> void load(std::size_t, int size, T* values, const int* position) const {
    first_sample.load(0, size, values, position);
  }
};

/// A sink that writes memory.
template <class T> struct memory_sink {
  batch_view<T> batch;

  explicit operator bool() const { return batch.data != nullptr; }
  template <int L>
  void store(std::size_t first, int n, int size, const T* tile, const int* position) const {
    store_tile<T, L>(tile, n, size, view(first), is_identity(position, size) ? nullptr : position);
  }
  void store(std::size_t i, int size, const T* values, const int* position) const {
    const auto to = view(i);
    for (int v = 0; v < size; ++v) *to.variable(v) = values[position[v]];
  }

 private:
  sample_view<T> view(std::size_t first) const {
    return {batch.data + static_cast<std::ptrdiff_t>(first) * batch.sample_stride,
            batch.sample_stride, batch.variable_stride};
  }
};

/// A sink for results that nobody wants.
struct no_sink {
  explicit operator bool() const { return false; }
  template <int L, class T> void store(std::size_t, int, int, const T*, const int*) const {}
  template <class T> void store(std::size_t, int, const T*, const int*) const {}
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

/// One event from anything that iterates over its values.
template <class T> struct values_source {
  std::vector<T> values;
  template <class Range> values_source(const Range& range, int size) {
    for (const auto& v : range) values.push_back(static_cast<T>(v));
    if (values.size() != static_cast<std::size_t>(size))
      throw std::invalid_argument("condition: expected a context of " + std::to_string(size) +
                                  " values, got " + std::to_string(values.size()));
  }
  void load(std::size_t, int size, T* to, const int* position) const {
    for (int v = 0; v < size; ++v) to[position[v]] = values[static_cast<std::size_t>(v)];
  }
};

/// The context of all samples: values that every sample shares, with the first layers' biases they
/// were folded into; nothing at all where the flow has no given<C>.
template <class T> struct shared_context {
  const T* values = nullptr;
  const T* folded = nullptr;
};

} // namespace detail
} // namespace bijou::inline BIJOU_ISA

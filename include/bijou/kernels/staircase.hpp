#pragma once
/// \file
/// A masked matrix whose rows use a prefix of the columns, packed without its zeros.
///
/// Sorted by degree, the weights of a MADE layer are a staircase: row r is non-zero in columns
/// [0, limit(r)) and limits ascend. Rows are stored in panels of 16, each as [k][16] with k up to
/// the limit of the panel's last row:
///
///     panel q, column k:  w(16 q, k) w(16 q + 1, k) ... w(16 q + 15, k)
///
/// One layout serves products with lanes along samples (a broadcast of one entry), along rows (a
/// load of 16) and both gradients. Entries between a row's limit and its panel's are corners: they
/// are zero, and kernels may multiply by them where the value beside them is known to be of the
/// same sample. The width of a panel does not depend on the type: float and double have the same
/// indices.

#include <bijou/kernels/unroll.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// Rows that a panel stores side by side.
inline constexpr int panel_rows = 16;

/// Where the entries of one packed masked matrix lie in a parameter vector.
class staircase {
 public:
  staircase() = default;

  /// \param limits  number of leading columns that each row uses, ascending except for rows that
  ///                pad an output (`padding` ones at the end of every `group`), which use none
  /// \param columns number of columns; no limit exceeds it
  /// \param begin   index of the first entry in the parameter vector
  staircase(std::span<const int> limits, int columns, std::ptrdiff_t begin)
      : columns_(columns), begin_(begin), end_(begin), limits_(limits.begin(), limits.end()) {
    reach_.resize(limits_.size());
    for (int r = 0, reach = 0; r < rows(); ++r)
      detail::at(reach_, r) = reach = std::max(reach, limit(r));
    for (int r = 0; r < rows(); r += panel_rows) {
      offsets_.push_back(end_);
      end_ += std::ptrdiff_t{panel_rows} * detail::at(reach_, std::min(r + panel_rows, rows()) - 1);
    }
    for (int k = 0; k < columns; ++k)
      starts_.push_back(
          static_cast<int>(std::upper_bound(reach_.begin(), reach_.end(), k) - reach_.begin()));
  }

  int rows() const { return detail::length(limits_); }
  int columns() const { return columns_; }
  int panels() const { return detail::length(offsets_); }
  bool empty() const { return columns_ == 0; }

  /// Columns that row r uses; 0 for padding.
  int limit(int r) const { return detail::at(limits_, r); }
  /// Columns that some row up to r uses: how far a product of rows that end with r must run.
  int reach(int r) const { return detail::at(reach_, r); }
  /// Columns that panel q stores.
  int panel_limit(int q) const { return reach(std::min((q + 1) * panel_rows, rows()) - 1); }
  /// First row that uses column k (rows() if none does).
  int first_row(int k) const { return detail::at(starts_, k); }

  /// Index of the first entry of panel q.
  std::ptrdiff_t panel(int q) const { return detail::at(offsets_, q); }
  /// Index of entry (r, k); k must be below the limit of r's panel.
  std::ptrdiff_t index(int r, int k) const {
    return panel(r / panel_rows) + std::ptrdiff_t{k} * panel_rows + r % panel_rows;
  }
  std::ptrdiff_t begin() const { return begin_; }
  std::ptrdiff_t end() const { return end_; }

  /// Unmasked weights: multiply-adds of one exact product.
  long structural() const {
    long n = 0;
    for (int l : limits_) n += l;
    return n;
  }

  /// f(index, r, k, structural) for every stored entry.
  template <class F> void visit(F&& f) const {
    for (int q = 0; q < panels(); ++q)
      for (int k = 0; k < panel_limit(q); ++k)
        for (int i = 0; i < panel_rows; ++i) {
          const int r = q * panel_rows + i;
          f(panel(q) + std::ptrdiff_t{k} * panel_rows + i, r, k, r < rows() && k < limit(r));
        }
  }

  /// Zeroes the stored entries that no row uses, corners and padding, of a parameter vector.
  template <class T> void clear_corners(T* values) const {
    for (int q = 0; q < panels(); ++q) {
      const int first = q * panel_rows, last = std::min(rows() - first, panel_rows);
      // Columns before are used by the panel's first row, and so by all of them.
      for (int k = last < panel_rows ? 0 : reach(first); k < panel_limit(q); ++k)
        keep_rows(values + panel(q) + std::ptrdiff_t{k} * panel_rows, first_row(k) - first, last);
    }
    for (int r = 0; r < rows(); ++r)
      for (int k = limit(r); k < (limit(r) < reach(r) ? panel_limit(r / panel_rows) : 0); ++k)
        values[index(r, k)] = T(0);
  }

 private:
  /// Zeroes all rows of a stored column but [first, last).
  template <class T> static void keep_rows(T* column, int first, int last) {
    using pack = simd::pack<T>;
    const pack low(static_cast<T>(first)), high(static_cast<T>(last));
    for (int i = 0; i < panel_rows; i += pack::size) {
      const pack row = simd::iota<T>() + pack(static_cast<T>(i));
      select((row < low) | (row >= high), pack(T(0)), pack::load(column + i)).store(column + i);
    }
  }

  int columns_ = 0;
  std::ptrdiff_t begin_ = 0, end_ = 0;
  std::vector<int> limits_, reach_, starts_;
  std::vector<std::ptrdiff_t> offsets_;
};

} // namespace bijou::inline BIJOU_ISA

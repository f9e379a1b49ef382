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
/// Where fewer rows are left for the last panel, it stores 4, 8 or 12 of them side by side. Kernels
/// read sixteen entries at a time all the same; zeros behind the last panel keep them within the
/// matrix.
///
/// One layout serves products with lanes along samples (they broadcast one entry), products with
/// lanes along rows (they load sixteen) and both gradients. Entries of a row between its own limit
/// and its panel's are called corners and are zero. A kernel may multiply by them where the other
/// factor is a finite number of the same sample.

#include <bijou/kernels/panels.hpp>
#include <bijou/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// Where the entries of one packed masked matrix lie in a parameter vector.
class staircase {
 public:
  staircase() = default;

  /// \param limits  number of leading columns that each row uses, ascending except for rows that
  ///                pad an output (`padding` ones at the end of every `group`), which use none
  /// \param columns number of columns; no limit exceeds it
  /// \param begin   index of the first entry in the parameter vector
  staircase(std::span<const int> limits, int columns, std::ptrdiff_t begin)
      : columns_(columns), rows_(detail::length(limits)), panels_(panel_count(rows_)),
        begin_(begin), entries_end_(begin), end_(begin), limits_(limits.begin(), limits.end()) {
    reach_.resize(limits_.size());
    for (int r = 0, reach = 0; r < rows_; ++r) {
      detail::at(reach_, r) = reach = std::max(reach, limit(r));
      ragged_ |= limit(r) < reach;
    }
    const int odd = row_in_panel(rows_);
    last_width_ = odd > 0 ? detail::round_up(odd, 4) : panel_rows;
    for (int q = 0; q < panels_; ++q) {
      offsets_.push_back(end_);
      end_ += std::ptrdiff_t{width(q)} * panel_limit(q);
    }
    entries_end_ = end_;
    if (last_width_ < panel_rows && end_ > begin)
      end_ = begin + whole_panels(static_cast<int>(end_ - begin) + panel_rows - last_width_);
    for (int k = 0; k < columns; ++k)
      starts_.push_back(
          static_cast<int>(std::upper_bound(reach_.begin(), reach_.end(), k) - reach_.begin()));
  }

  int rows() const { return rows_; }
  int columns() const { return columns_; }
  int panels() const { return panels_; }
  /// Rows that panel q stores side by side: 16, in the last one whole fours.
  int width(int q) const { return q == panels_ - 1 ? last_width_ : panel_rows; }
  /// Whether panel q stores fewer rows than sixteen.
  bool is_narrow(int q) const { return width(q) < panel_rows; }
  bool empty() const { return columns_ == 0; }

  /// Columns that row r uses; 0 for padding.
  int limit(int r) const { return detail::at(limits_, r); }
  /// Columns that some row up to r uses: how far a product of rows that end with r must run.
  int reach(int r) const { return detail::at(reach_, r); }
  /// Columns that panel q stores.
  int panel_limit(int q) const { return reach(end_row(q) - 1); }
  /// Rows [panel_begin(q), end_row(q)) of the matrix are in panel q.
  int end_row(int q) const { return std::min(panel_begin(q + 1), rows()); }
  /// First row that uses column k (rows() if none does).
  int first_row(int k) const { return detail::at(starts_, k); }

  /// Index of the first entry of panel q.
  std::ptrdiff_t panel(int q) const { return detail::at(offsets_, q); }
  /// Index of entry (r, k); k must be below the limit of r's panel.
  std::ptrdiff_t index(int r, int k) const {
    const int q = panel_of(r);
    return panel(q) + std::ptrdiff_t{k} * width(q) + row_in_panel(r);
  }
  /// How far apart the entries of row r are, from one column to the next.
  std::ptrdiff_t column_step(int r) const { return width(panel_of(r)); }
  std::ptrdiff_t begin() const { return begin_; }
  std::ptrdiff_t end() const { return end_; }

  /// Unmasked weights: multiply-adds of one exact product.
  long structural() const {
    long n = 0;
    for (int l : limits_) n += l;
    return n;
  }

  /// f(index, structural) for every entry of [begin(), end()).
  template <class F> void visit(F&& f) const {
    for (int q = 0; q < panels(); ++q)
      for (int k = 0; k < panel_limit(q); ++k)
        for (int i = 0; i < width(q); ++i) {
          const int r = panel_begin(q) + i;
          f(index(r, k), r < rows() && k < limit(r));
        }
    for (std::ptrdiff_t i = entries_end_; i < end_; ++i) f(i, false);
  }

  /// Zeroes the stored entries that no row uses, corners and padding, of a parameter vector.
  template <class T> void clear_corners(T* values) const {
    for (int q = 0; q < panels_; ++q) {
      const int first = panel_begin(q);
      if (rows_ - first < panel_rows) {
        for (int r = first; r < first + width(q); ++r)
          clear_row(values, r, r < rows_ ? limit(r) : 0);
        continue;
      }
      // Columns before are used by the panel's first row, and so by all of them.
      for (int k = reach(first); k < panel_limit(q); ++k)
        clear_rows(values + index(first, k), first_row(k) - first);
    }
    if (ragged_)
      for (int r = 0; r < rows_; ++r)
        if (limit(r) < reach(r)) clear_row(values, r, limit(r));
    std::fill(values + entries_end_, values + end_, T(0));
  }

 private:
  /// Zeroes the columns of row r from k on.
  template <class T> void clear_row(T* values, int r, int k) const {
    const int q = panel_of(r);
    T* const row = values + panel(q) + row_in_panel(r);
    for (const int w = width(q), last = panel_limit(q); k < last; ++k)
      row[std::ptrdiff_t{k} * w] = T(0);
  }
  /// Zeroes the first `count` rows of a column of sixteen.
  template <class T> static void clear_rows(T* column, int count) {
    using pack = simd::pack<T>;
    const pack end(static_cast<T>(count));
    for (int i = 0; i < panel_rows; i += pack::size) {
      const pack row = simd::iota<T>() + pack(static_cast<T>(i));
      select(row < end, pack(T(0)), pack::load(column + i)).store(column + i);
    }
  }

  int columns_ = 0, rows_ = 0, panels_ = 0, last_width_ = panel_rows;
  std::ptrdiff_t begin_ = 0, entries_end_ = 0, end_ = 0;
  bool ragged_ = false; ///< some rows use fewer columns than one before them
  std::vector<int> limits_, reach_, starts_;
  std::vector<std::ptrdiff_t> offsets_;
};

} // namespace bijou::inline BIJOU_ISA

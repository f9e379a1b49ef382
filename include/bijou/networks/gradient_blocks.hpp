#pragma once
/// \file
/// How the weight gradient of a masked layer is summed: panel by panel, by outer products or by
/// sums over the samples of blocks of rows.

#include <bijou/kernels/sample_sums.hpp>
#include <bijou/kernels/staircase.hpp>

#include <algorithm>
#include <span>
#include <vector>

namespace bijou::inline BIJOU_ISA::detail {

/// Rows [first, last) of one panel of a layer's term, and the columns that some of them use.
struct gradient_block {
  int term, first, last, columns;
  int rows() const { return last - first; }
  /// Calls of sixteen_sums for them.
  int sixteens() const {
    const int together = panel_rows / rows_together(rows());
    return (columns + together - 1) / together;
  }
};

/// The blocks of a layer's panels. Made once: every tile asks for them.
class gradient_blocks {
 public:
  gradient_blocks() = default;
  /// \param terms the layer's staircases, of so many panels each; those without columns are absent
  gradient_blocks(int panels, std::span<const staircase* const> terms) {
    for (int q = 0; q < panels; ++q) {
      panel p{.first = length(blocks_)};
      for (int t = 0; t < length(terms); ++t)
        if (const staircase& s = *at(terms, t); !s.empty()) {
          p.columns += s.panel_limit(q);
          p.narrow |= s.is_narrow(q);
          add_panel(s, t, q);
        }
      p.last = length(blocks_);
      for (int b = p.first; b < p.last; ++b) p.sixteens += at(blocks_, b).sixteens();
      panels_.push_back(p);
    }
  }

  /// Whether sums over samples are the cheaper way to a panel's gradient. They are where it has few
  /// columns, few rows or many corners, and they are the only way for a narrow panel, since outer
  /// products write whole ones.
  ///
  /// Both costs are counted in multiply-adds of sixteen numbers. For each sample, an outer product
  /// takes one for every column and 14 more for transposing cotangents and adding biases; sums take
  /// one for every sixteen of them, the biases' among them, and fold them at the end. Sums read
  /// their rows again for each sixteen, in a large layer from beyond the nearest cache: they are
  /// taken only where they save a third.
  bool sums_are_cheaper(int q, int samples) const {
    const panel& p = at(panels_, q);
    return p.narrow || (p.sixteens + 1) * (samples + folding) * 3 < (p.columns + 14) * samples * 2;
  }
  /// Blocks that have all weights of panel q, term after term.
  std::span<const gradient_block> of(int q) const {
    const panel& p = at(panels_, q);
    return std::span(blocks_).subspan(static_cast<std::size_t>(p.first),
                                      static_cast<std::size_t>(p.last - p.first));
  }

 private:
  /// What folding sixteen sums takes, in multiply-adds of sixteen (measured with AVX-512).
  static constexpr int folding = 24;

  struct panel {
    int first = 0, last = 0; ///< of its blocks
    int columns = 0, sixteens = 0;
    bool narrow = false;
  };

  /// The whole panel, or, if they are fewer sums, its fours of rows, each with its own columns.
  void add_panel(const staircase& s, int term, int q) {
    const int begin = panel_begin(q), end = s.end_row(q);
    const auto block = [&](int first, int last) {
      first = std::clamp(s.first_row(0), first, last);
      // A power of two of rows is read: they begin early enough to lie within the panel.
      const int read = std::min(first, panel_begin(q + 1) - rows_together(last - first));
      return gradient_block{term, read, last, first < last ? s.reach(last - 1) : 0};
    };
    const auto add = [&](const gradient_block& b) {
      if (b.columns > 0) blocks_.push_back(b);
    };
    int sixteens = 0;
    for (int r = begin; r < end; r += 4) sixteens += block(r, std::min(r + 4, end)).sixteens();
    if (const gradient_block whole = block(begin, end); whole.sixteens() <= sixteens)
      return add(whole);
    for (int r = begin; r < end; r += 4) add(block(r, std::min(r + 4, end)));
  }

  std::vector<gradient_block> blocks_;
  std::vector<panel> panels_;
};

} // namespace bijou::inline BIJOU_ISA::detail

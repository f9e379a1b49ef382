#pragma once
/// \file
/// W^T g of a tile: the panels of a staircase read with rows and columns exchanged.
///
/// A block of C columns x V vectors of sums stays in registers while the rows run, from the last
/// to the first: cotangents of the highest degrees are known first, so that a sweep which learns
/// them one degree at a time adds in this order anyway.

#include <bijou/kernels/masked_product.hpp>

namespace bijou::inline BIJOU_ISA::detail {

/// Where cotangents of columns go, and how.
template <class T> struct cotangent_target {
  T* gx; ///< column k at gx + (rows ? rows[k] : k) * L
  const int* rows;
  bool accumulate;   ///< add to what gx holds; else begin at zero
  const T* slope_at; ///< complete sums take activation'(slope_at row k) as a factor, if not null
};

/// The cotangent g of an activation's output, pulled back to its input.
template <class Activation, class P> BIJOU_INLINE P pull_back(P at, P g) {
  if constexpr (requires { Activation{}.pull_back(at, g); })
    return Activation{}.pull_back(at, g);
  else
    return g * Activation{}.derivative(at);
}

/// Rows [first, last) that columns take cotangents from; `own`: only those that use the column.
struct row_range {
  int first, last;
  bool own = false;
};

/// Neighbouring rows of one panel and how many of a block's columns they add to. They run downwards
/// from the one that w and g point at; the panel stores `width` of them.
template <class T> struct row_segment {
  const T* w;
  const T* g;
  std::ptrdiff_t width;
  int rows, columns;
};

/// Cuts the rows that C columns from k on take cotangents from into segments, from the last down:
/// first those that all columns use.
template <class T, int L, int C> class row_cutter {
 public:
  row_cutter(const T* theta, const staircase& panels, const row_range& range, const T* g, int k)
      : theta_(theta), panels_(panels), range_(range), g_(g), k_(k), end_(range.last),
        least_(first_row(1)) {}

  bool done() const { return end_ <= least_; }
  row_segment<T> next() {
    while (first_row(columns_) >= end_) --columns_;
    const int last = end_ - 1;
    end_ = std::max(first_row(columns_), panel_begin(panel_of(last)));
    return {theta_ + panels_.index(last, k_), g_ + std::ptrdiff_t{last} * L,
            panels_.column_step(last), last + 1 - end_, columns_};
  }

 private:
  /// Of the n-th column.
  int first_row(int n) const {
    return range_.own ? std::max(range_.first, panels_.first_row(k_ + n - 1)) : range_.first;
  }

  const T* theta_;
  const staircase& panels_;
  const row_range& range_;
  const T* g_;
  int k_, end_, least_, columns_ = C;
};

/// Asks for C columns of a segment. From one panel to the next addresses jump, so that the machine
/// does not foresee them, and weights of a large layer are two caches away.
template <int C, class T> BIJOU_INLINE void prefetch_columns(const row_segment<T>& s) {
  constexpr int line = 64 / static_cast<int>(sizeof(T));
  const T* const w = s.w - (s.rows - 1);
#pragma GCC unroll 32
  for (int i = 0; i < C * panel_rows / line; ++i) __builtin_prefetch(w + i * line);
}

/// sums += w g over the rows of a segment, whose columns are `Columns` or fewer.
template <class T, int L, int C, int V, int Columns>
BIJOU_INLINE void add_segment(register_block<T, C, V>& sum, const row_segment<T>& s, int lane) {
  if constexpr (Columns > 1)
    if (s.columns < Columns) return add_segment<T, L, C, V, Columns - 1>(sum, s, lane);
  const T *w = s.w, *g = s.g + lane;
  for (int row = s.rows; row > 0; --row, --w, g -= L)
    add_products<T, C, V, 0, Columns>(sum, w, s.width, g);
}

/// C columns from k on, V vectors from `lane` on.
template <class T, int L, class Activation, int C, int V>
BIJOU_INLINE void pull_back_block(std::span<const row_segment<T>> segments,
                                  const cotangent_target<T>& target, int k, int lane) {
  using pack = simd::pack<T>;
  // Stores could change what target says, as far as the compiler knows.
  const int* const rows = target.rows ? target.rows + k : nullptr;
  T* const gx = target.gx + (rows ? 0 : std::ptrdiff_t{k} * L) + lane;
  register_block<T, C, V> sum;
  if (!target.accumulate)
#pragma GCC unroll 32
    for (int c = 0; c < C; ++c)
#pragma GCC unroll 32
      for (int v = 0; v < V; ++v) sum[c][v] = pack(T(0));
  else if (rows)
#pragma GCC unroll 32
    for (int c = 0; c < C; ++c)
#pragma GCC unroll 32
      for (int v = 0; v < V; ++v)
        sum[c][v] = pack::load(gx + std::ptrdiff_t{rows[c]} * L + v * pack::size);
  else
    load_block<T, L, C, V>(sum, gx);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const row_segment<T>& s = segments[i];
    if (i + 1 < segments.size()) prefetch_columns<C>(segments[i + 1]);
    add_segment<T, L, C, V, C>(sum, s, lane);
  }
  if (target.slope_at) {
    const T* const at = target.slope_at + std::ptrdiff_t{k} * L + lane;
#pragma GCC unroll 32
    for (int c = 0; c < C; ++c)
#pragma GCC unroll 32
      for (int v = 0; v < V; ++v)
        sum[c][v] = pull_back<Activation>(pack::load(at + c * L + v * pack::size), sum[c][v]);
  }
  if (rows)
#pragma GCC unroll 32
    for (int c = 0; c < C; ++c)
#pragma GCC unroll 32
      for (int v = 0; v < V; ++v)
        sum[c][v].store(gx + std::ptrdiff_t{rows[c]} * L + v * pack::size);
  else
    store_block<T, L, C, V>(sum, gx);
}

/// Segments that are cut at a time, once for all lanes: those of 600 rows. More take several turns.
inline constexpr int most_segments = 40;

/// Columns [k, last_column), a multiple of C, all lanes in use.
template <class T, int L, class Activation, int C>
[[gnu::noinline]] void pull_back_blocks(const T* theta, const staircase& panels, int k,
                                        int last_column, const row_range& range, const T* g,
                                        const cotangent_target<T>& target, int lanes) {
  constexpr int many = block_vectors<T, L, C>;
  row_segment<T> segments[most_segments];
  for (; k < last_column; k += C) {
    row_cutter<T, L, C> cutter(theta, panels, range, g, k);
    cotangent_target<T> to = target;
    do {
      std::size_t count = 0;
      while (count < most_segments && !cutter.done()) segments[count++] = cutter.next();
      to.slope_at = cutter.done() ? target.slope_at : nullptr;
      const std::span<const row_segment<T>> cut(segments, count);
      int lane = 0;
      for (; lane + many * simd::pack<T>::size <= lanes; lane += many * simd::pack<T>::size)
        pull_back_block<T, L, Activation, C, many>(cut, to, k, lane);
      if constexpr (many != strip_vectors)
        for (; lane < lanes; lane += strip<T>)
          pull_back_block<T, L, Activation, C, strip_vectors>(cut, to, k, lane);
      to.accumulate = true;
    } while (!cutter.done());
  }
}

/// gx[k] (+)= sum over rows r of w(r, k) g[r] for columns [first_column, last_column): over rows
/// [range.first, range.last), and all these entries must be stored (no row's panel may end before
/// last_column), or, from range.last down, over those that use column k.
template <class T, int L, class Activation>
void pull_back_columns(const T* theta, const staircase& panels, int first_column, int last_column,
                       const row_range& range, const T* g, const cotangent_target<T>& target,
                       int lanes) {
  int k = first_column;
  const auto run = [&]<int C>(std::integral_constant<int, C>) {
    const int stop = k + (last_column - k) / C * C;
    if (k < stop)
      pull_back_blocks<T, L, Activation, C>(theta, panels, k, stop, range, g, target, lanes);
    k = stop;
  };
  run(std::integral_constant<int, block_rows>{});
  if constexpr (block_rows > 4) run(std::integral_constant<int, 4>{});
  run(std::integral_constant<int, 2>{});
  run(std::integral_constant<int, 1>{});
}

} // namespace bijou::inline BIJOU_ISA::detail

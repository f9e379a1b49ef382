#pragma once
/// \file
/// W x of a tile: rows of packed staircases times rows of values, lanes are samples.
///
/// A block of R rows x V vectors of sums stays in registers while k runs; per step it reads V
/// vectors of values and broadcasts R weights. Every sum is one chain of fused multiply-adds: bias
/// first, then the terms in order, k ascending. However the rows, columns or lanes are split into
/// calls, the chain is the same, and so are the bits.
///
/// Rows come in groups and columns in passes, so that the values of a strip of lanes and the
/// weights of a group stay in the first-level cache while the strips and blocks of a pass run.

#include <bijou/kernels/staircase.hpp>
#include <bijou/kernels/tile.hpp>

#include <cstddef>

namespace bijou::inline BIJOU_ISA::detail {

/// Columns [first, last) of a staircase and the rows of a tile that multiply them: column k takes
/// row rows[k] of `values` (row k if rows is null).
template <class T> struct product_term {
  const staircase* panels;
  const T* values;
  const int* rows;
  int first, last;
};

/// Most terms a layer has: context, units before it, inputs.
inline constexpr int max_terms = 3;

/// A term as a block of rows sees it: w points at its entry of the first column, `width` entries
/// before that of the next. The last `upper` of its columns are used by the upper half of the rows
/// only.
template <class T> struct block_term {
  const T* w;
  std::ptrdiff_t width;
  const T* values;
  const int* rows;
  int columns, upper;
};

/// Rows of one register block, with what one pass adds to them.
template <class T> struct row_block {
  int row;
  int terms;
  block_term<T> term[max_terms];
};

/// What a product starts from and what happens to a complete sum.
template <class T> struct product_target {
  const T* bias;    ///< rows start from bias[r], or if null from what y holds
  T* y;             ///< row r of the result at y + r * L
  T* pre = nullptr; ///< where complete sums go before the activation, if not null
  bool complete;    ///< apply the activation
};

/// A block's rows, `Stride` apart from `at` on.
template <class T, int Stride, int R, int V>
BIJOU_INLINE void load_block(register_block<T, R, V>& block, const T* at) {
#pragma GCC unroll 32
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 32
    for (int v = 0; v < V; ++v)
      block[r][v] = simd::pack<T>::load(at + r * Stride + v * simd::pack<T>::size);
}
template <class T, int Stride, int R, int V>
BIJOU_INLINE void store_block(const register_block<T, R, V>& block, T* at) {
#pragma GCC unroll 32
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 32
    for (int v = 0; v < V; ++v) block[r][v].store(at + r * Stride + v * simd::pack<T>::size);
}

/// sum[r][v] += weight(r) * value(v) for rows [First, Last). The side with fewer registers is held,
/// so that each operand is loaded once and one register is enough for the other.
template <class T, int R, int V, int First = 0, int Last = R>
BIJOU_INLINE void add_products(register_block<T, R, V>& sum, const T* w, std::ptrdiff_t stride,
                               const T* x) {
  using pack = simd::pack<T>;
  constexpr bool reused = Last - First > 1;
  if constexpr (V <= Last - First) {
    registers_of<T, V> value;
#pragma GCC unroll 32
    for (int v = 0; v < V; ++v) {
      pack loaded = pack::load(x + v * pack::size);
      if constexpr (reused) keep_in_register(loaded);
      value[v] = loaded;
    }
#pragma GCC unroll 32
    for (int r = First; r < Last; ++r) {
      const pack weight(w[r * stride]);
#pragma GCC unroll 32
      for (int v = 0; v < V; ++v) sum[r][v] = fma(weight, value[v], sum[r][v]);
    }
  } else {
    registers_of<T, Last> weight;
#pragma GCC unroll 32
    for (int r = First; r < Last; ++r) weight[r] = pack(w[r * stride]);
#pragma GCC unroll 32
    for (int v = 0; v < V; ++v) {
      pack value = pack::load(x + v * pack::size);
      if constexpr (reused) keep_in_register(value);
#pragma GCC unroll 32
      for (int r = First; r < Last; ++r) sum[r][v] = fma(weight[r], value, sum[r][v]);
    }
  }
}

/// sums += w x over one term.
template <class T, int L, int R, int V>
BIJOU_INLINE void accumulate(register_block<T, R, V>& sum, const block_term<T>& term, int lane) {
  const T* w = term.w;
  const std::ptrdiff_t width = term.width;
  const int common = term.columns - term.upper;
  if (term.rows) {
    const auto x = [&](int k) { return term.values + std::ptrdiff_t{term.rows[k]} * L + lane; };
    int k = 0;
    for (; k < common; ++k, w += width) add_products<T, R, V>(sum, w, 1, x(k));
    for (; k < term.columns; ++k, w += width) add_products<T, R, V, R / 2>(sum, w, 1, x(k));
  } else {
    const T* x = term.values + lane;
    for (int k = 0; k < common; ++k, w += width, x += L) add_products<T, R, V>(sum, w, 1, x);
    for (int k = 0; k < term.upper; ++k, w += width, x += L)
      add_products<T, R, V, R / 2>(sum, w, 1, x);
  }
}

/// One block of R rows, V vectors from `lane` on.
template <class T, int L, class Activation, int R, int V>
BIJOU_INLINE void multiply_block(const row_block<T>& block, const product_target<T>& target,
                                 int lane) {
  using pack = simd::pack<T>;
  const int r = block.row;
  T* y = target.y + std::ptrdiff_t{r} * L + lane;
  register_block<T, R, V> sum;
  if (target.bias)
#pragma GCC unroll 32
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 32
      for (int v = 0; v < V; ++v) sum[i][v] = pack(target.bias[r + i]);
  else
    load_block<T, L, R, V>(sum, y);
  for (int t = 0; t < block.terms; ++t) accumulate<T, L, R, V>(sum, block.term[t], lane);
  if (target.complete) {
    if (target.pre) store_block<T, L, R, V>(sum, target.pre + std::ptrdiff_t{r} * L + lane);
#pragma GCC unroll 32
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 32
      for (int v = 0; v < V; ++v) sum[i][v] = Activation{}(sum[i][v]);
  }
  store_block<T, L, R, V>(sum, y);
}

/// As many vectors per block as R rows leave registers for, within the tile.
template <class T, int L, int R>
inline constexpr int block_vectors =
    std::min(block_rows / R * strip_vectors, L / simd::pack<T>::size);

/// Blocks of R rows each, all lanes in use. Lanes run outermost: their values are read again for
/// every block while they are near.
template <class T, int L, class Activation, int R>
[[gnu::noinline]] void multiply_blocks(std::span<const row_block<T>> blocks,
                                       const product_target<T>& target, int lanes) {
  constexpr int many = block_vectors<T, L, R>;
  int lane = 0;
  for (; lane + many * simd::pack<T>::size <= lanes; lane += many * simd::pack<T>::size)
    for (const row_block<T>& block : blocks)
      multiply_block<T, L, Activation, R, many>(block, target, lane);
  if constexpr (many != strip_vectors)
    for (; lane < lanes; lane += strip<T>)
      for (const row_block<T>& block : blocks)
        multiply_block<T, L, Activation, R, strip_vectors>(block, target, lane);
}

/// Rows of the next register block from row r on: a power of two, within the panel and below last.
inline int next_block(int r, int last) {
  const int left = std::min(last, panel_begin(panel_of(r) + 1)) - r;
  int count = block_rows;
  while (count > left) count /= 2;
  return count;
}

/// Columns that the terms have up to row `last_row`, laid end to end.
template <class T> int columns_until(std::span<const product_term<T>> terms, int last_row) {
  int columns = 0;
  for (const product_term<T>& t : terms)
    columns += std::max(0, std::min(t.last, t.panels->reach(last_row)) - t.first);
  return columns;
}

/// Rows of a block that reach least: the lower half of several.
constexpr int lower_rows(int count) { return (count + 1) / 2; }

/// Columns [first, last) of the terms laid end to end, as long as row `group_end` - 1 reaches; or
/// `whole`: all there are.
struct column_range {
  int first, last, group_end;
  bool whole;
};

/// What a range of columns adds to `count` rows from row r on. No half of the rows runs further
/// than its last row reaches. Products of few rows take about as long as this, so it does little.
template <class T, int L>
BIJOU_INLINE void cut_terms(row_block<T>& block, const T* theta,
                            std::span<const product_term<T>> terms, int r, int count,
                            column_range range) {
  block.row = r;
  int used = 0;
  for (const product_term<T>& t : terms) {
    const staircase& panels = *t.panels;
    int begin = t.first, end = std::min(t.last, panels.reach(r + count - 1));
    if (!range.whole) {
      begin += std::max(range.first, 0);
      end = std::min(end, t.first + range.last);
      const int extent = std::max(0, std::min(t.last, panels.reach(range.group_end - 1)) - t.first);
      range.first -= extent;
      range.last -= extent;
    }
    if (end <= begin) continue;
    const int common = std::max(begin, panels.reach(r + lower_rows(count) - 1));
    block.term[used++] = {theta + panels.index(r, begin),
                          panels.column_step(r),
                          t.rows ? t.values : t.values + std::ptrdiff_t{begin} * L,
                          t.rows ? t.rows + begin : nullptr,
                          end - begin,
                          std::max(0, end - common)};
  }
  block.terms = used;
}

/// Rows of a group and columns of a pass: a strip of lanes times the columns, and the group's
/// weights of these columns, fill most of a cache of 32 KiB.
inline constexpr int group_rows = 32;
inline constexpr int pass_columns = 128;

/// Rows [first, last) of one group, a range of columns: all whole blocks together, and the odd
/// rows.
template <class T, int L, class Activation>
void multiply_pass(const T* theta, int first, int last, std::span<const product_term<T>> terms,
                   const product_target<T>& target, const column_range& range, int lanes) {
  row_block<T> blocks[group_rows / block_rows + 1];
  std::size_t whole = 0;
  for (int r = first, rows = 0; r < last; r += rows) {
    rows = next_block(r, last);
    row_block<T>& block = blocks[whole];
    cut_terms<T, L>(block, theta, terms, r, rows, range);
    if (rows == block_rows)
      ++whole;
    else if (block_rows > 4 && rows == 4)
      multiply_blocks<T, L, Activation, 4>({&block, 1}, target, lanes);
    else if (rows == 2)
      multiply_blocks<T, L, Activation, 2>({&block, 1}, target, lanes);
    else
      multiply_blocks<T, L, Activation, 1>({&block, 1}, target, lanes);
  }
  if (whole > 0) multiply_blocks<T, L, Activation, block_rows>({blocks, whole}, target, lanes);
}

/// Rows [first, last) of one group, pass by pass.
template <class T, int L, class Activation>
void multiply_group(const T* theta, int first, int last, std::span<const product_term<T>> terms,
                    const product_target<T>& target, int lanes) {
  const int columns = columns_until(terms, last - 1);
  if (columns <= pass_columns) {
    multiply_pass<T, L, Activation>(theta, first, last, terms, target, {0, 0, 0, true}, lanes);
    return;
  }
  const int passes = (columns + pass_columns - 1) / pass_columns;
  for (int pass = 0; pass < passes; ++pass) {
    product_target<T> to = target;
    if (pass > 0) to.bias = nullptr;
    to.complete = target.complete && pass == passes - 1;
    multiply_pass<T, L, Activation>(
        theta, first, last, terms, to,
        {columns * pass / passes, columns * (pass + 1) / passes, last, false}, lanes);
  }
}

/// Multiply-adds of multiply_rows, per lane.
template <class T>
long count_products(int first, int last, std::span<const product_term<T>> terms) {
  long n = 0;
  for (int r = first, rows = 0; r < last; r += rows) {
    rows = next_block(r, last);
    const int lower = lower_rows(rows);
    n += long{lower} * columns_until(terms, r + lower - 1) +
         long{rows - lower} * columns_until(terms, r + rows - 1);
  }
  return n;
}

/// y[r] = activation(start[r] + sum over terms, columns k of w(r, k) value[k]) for rows [first,
/// last).
///
/// A term's columns are of one of two kinds. Either every row uses all of them: then exactly these
/// columns are read. Or they begin with column 0, and rows use as many as their limits say: then a
/// half of a block of rows reads the columns up to the limit of its last row.
template <class T, int L, class Activation>
void multiply_rows(const T* theta, int first, int last, std::span<const product_term<T>> terms,
                   const product_target<T>& target, int lanes) {
  for (int r = first; r < last;) {
    const int end = std::min(last, (r / group_rows + 1) * group_rows);
    multiply_group<T, L, Activation>(theta, r, end, terms, target, lanes);
    r = end;
  }
}

} // namespace bijou::inline BIJOU_ISA::detail

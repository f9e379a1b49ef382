#pragma once
/// \file
/// A tile through a masked network: forward, and the inverse sweep at the price of one pass.
///
/// With units sorted by degree the inverse of an autoregressive map needs no D passes. Output d
/// gives x_d, x_d completes the units of degree d in every layer, these complete output d + 1.
/// Every weight is used once. The idea is that of NADE [Larochelle & Murray 2011] and Fast
/// PixelCNN++ [Ramachandran et al. 2017, arXiv:1704.06001], here for dense masked layers.
///
/// One degree has few rows, and the values that its rows multiply are many: in a large network they
/// would come from beyond the nearest cache for every degree anew. Large networks therefore go by
/// blocks of degrees. All rows of a block first add the values of all degrees below the block, one
/// rectangle of weights; then the block is halved: the lower half is completed, the upper half adds
/// the lower one's values, again a rectangle, and is completed likewise. Blocks of a few degrees
/// are not halved but go degree by degree.
///
/// In whatever way, a row adds its columns in ascending order, so that the bits are the same. No
/// row is read before it is computed, not even to be multiplied by a weight of zero: memory may
/// hold NaN from before.

#include <bijou/kernels/function_ref.hpp>
#include <bijou/kernels/masked_product.hpp>
#include <bijou/networks/network_plan.hpp>
#include <bijou/networks/pass.hpp>

#include <type_traits>

namespace bijou::inline BIJOU_ISA {

/// How a sweep walks the degrees.
struct sweep_blocks {
  int block = 0; ///< degrees that add everything below them at once; 0: never, degree by degree
  int leaf = 1;  ///< degrees that go one by one within a block
};

namespace detail {

/// The terms of one product, collected.
template <class T> class term_list {
 public:
  void add(const staircase& panels, const T* values, const int* rows, int first, int last) {
    if (last > first) term_[count_++] = {&panels, values, rows, first, last};
  }
  bool empty() const { return count_ == 0; }
  std::span<const product_term<T>> span() const {
    return {term_, static_cast<std::size_t>(count_)};
  }

 private:
  product_term<T> term_[max_terms];
  int count_ = 0;
};

struct linear_output {
  template <class P> P operator()(P z) const { return z; }
};

/// Called with ranks [first, last).
using rank_function = function_ref<void(int, int)>;

/// Degrees [first, last).
struct degree_range {
  int first, last;
};

template <class T, int L, class Activation, class Counter> class tile_forward {
 public:
  tile_forward(const network_plan& plan, const network_pass<T>& pass) : plan_(plan), pass_(pass) {}

  /// All rows; ready(rank0, rank1) as soon as output rows of further ranks are complete.
  void run(rank_function ready) const {
    for (int l = 0; l < plan_.hidden_layers(); ++l) run_rows<Activation>(l, 0, plan_.layer(l).rows);
    const output_layout& outputs = plan_.outputs();
    const int rows = outputs.rows();
    int done = 0;
    for (int r = 0; r < rows;) {
      const int end = std::min(r + group_rows, rows);
      run_rows<linear_output>(plan_.hidden_layers(), r, end);
      if (outputs.rank(end) > done) ready(done, outputs.rank(end));
      done = outputs.rank(end);
      r = end;
    }
  }

  /// The inverse: solve(rank0, rank1) when output rows of these ranks are complete; it writes
  /// their rows of x.
  void sweep(const sweep_blocks& blocks, rank_function solve) const {
    const int levels = plan_.levels();
    if (blocks.block == 0) return sweep_leaf({0, levels}, true, solve);
    for (int d = 0; d < levels; d += blocks.block) {
      const degree_range block{d, std::min(d + blocks.block, levels)};
      for (int l = 0; l < plan_.hidden_layers(); ++l) add_to_units(l, block, {0, d}, true, false);
      add_to_output(block, {0, d}, true, false);
      sweep_block(block, blocks.leaf, solve);
    }
  }

 private:
  /// Rows [first, last) of a layer with all they reach.
  template <class Function> void run_rows(int l, int first, int last) const {
    const layer_plan& layer = plan_.layer(l);
    term_list<T> terms;
    add_context(layer, terms);
    if (!layer.units.empty())
      terms.add(layer.units, units_before(l), nullptr, 0, layer.units.columns());
    if (!layer.inputs.empty())
      terms.add(layer.inputs, pass_.x, pass_.rows, 0, layer.inputs.columns());
    multiply<Function>(l, first, last, terms, true, true);
  }

  /// Rows of [rows) of hidden layer l add columns of degrees [columns).
  void add_to_units(int l, degree_range rows, degree_range columns, bool start,
                    bool complete) const {
    const layer_plan& layer = plan_.layer(l);
    term_list<T> terms;
    if (start) add_context(layer, terms);
    if (l > 0)
      terms.add(layer.units, units_before(l), nullptr, plan_.first_unit(l - 1, columns.first),
                plan_.first_unit(l - 1, columns.last));
    else if (!layer.inputs.empty())
      terms.add(layer.inputs, pass_.x, pass_.rows, plan_.first_input(columns.first),
                plan_.first_input(columns.last));
    multiply<Activation>(l, plan_.first_unit(l, rows.first), plan_.first_unit(l, rows.last), terms,
                         start, complete);
  }

  /// Output rows of [rows) add units of degrees [columns); complete rows, all of one degree, also
  /// the inputs that a skip connection shows them.
  void add_to_output(degree_range rows, degree_range columns, bool start, bool complete) const {
    const layer_plan& layer = plan_.output();
    const int l = plan_.hidden_layers();
    term_list<T> terms;
    if (start) add_context(layer, terms);
    terms.add(layer.units, units_before(l), nullptr, plan_.first_unit(l - 1, columns.first),
              plan_.first_unit(l - 1, columns.last));
    if (complete && !layer.inputs.empty())
      terms.add(layer.inputs, pass_.x, pass_.rows, 0, plan_.first_input(rows.first));
    if (start || !terms.empty())
      multiply<linear_output>(l, plan_.first_output_row(rows.first),
                              plan_.first_output_row(rows.last), terms, start, false);
  }

  void sweep_block(degree_range d, int leaf, rank_function solve) const {
    if (d.last - d.first <= leaf) return sweep_leaf(d, false, solve);
    const int middle = (d.first + d.last) / 2;
    const degree_range lower{d.first, middle}, upper{middle, d.last};
    sweep_block(lower, leaf, solve);
    for (int l = 0; l < plan_.hidden_layers(); ++l) add_to_units(l, upper, lower, false, false);
    add_to_output(upper, lower, false, false);
    sweep_block(upper, leaf, solve);
  }

  /// One degree after the other; rows have added everything below the leaf unless they start here.
  void sweep_leaf(degree_range leaf, bool start, rank_function solve) const {
    for (int d = leaf.first; d < leaf.last; ++d) {
      const int rank = plan_.first_variable(d), next = plan_.first_variable(d + 1);
      if (next > rank) {
        add_to_output({d, d + 1}, {leaf.first, d}, start, true);
        solve(rank, next);
      }
      for (int l = 0; l < plan_.hidden_layers(); ++l)
        add_to_units(l, {d, d + 1}, {leaf.first, d + 1}, start, true);
    }
  }

  void add_context(const layer_plan& layer, term_list<T>& terms) const {
    if (pass_.reads_context(layer))
      terms.add(layer.context, pass_.context, nullptr, 0, layer.context.columns());
  }

  template <class Function>
  void multiply(int l, int first, int last, const term_list<T>& terms, bool start,
                bool complete) const {
    if constexpr (!std::is_same_v<Counter, no_counter>)
      Counter::add(count_products(first, last, terms.span()));
    multiply_rows<T, L, Function>(pass_.theta, first, last, terms.span(),
                                  target(l, start, complete), pass_.lanes);
  }

  const T* units_before(int l) const {
    return l > 0 ? plan_.rows_of<L>(l - 1, pass_.hidden, pass_.out) : nullptr;
  }

  product_target<T> target(int l, bool start, bool complete) const {
    const layer_plan& layer = plan_.layer(l);
    T* const none = nullptr;
    return {start ? pass_.biases(layer) : nullptr, plan_.rows_of<L>(l, pass_.hidden, pass_.out),
            pass_.pre ? plan_.rows_of<L>(l, pass_.pre, none) : nullptr, complete};
  }

  const network_plan& plan_;
  const network_pass<T>& pass_;
};

} // namespace detail
} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// Cotangents of a tile back through a masked network, forward and swept.
///
/// The adjoint of the inverse sweep is the sweep run backwards: the cotangent of x_d is complete
/// once all units of degree >= d have passed theirs down. It goes by blocks like the sweep itself,
/// highest degrees first, and likewise reads no cotangent that is not known yet.

#include <bijou/kernels/transposed_product.hpp>
#include <bijou/networks/tile_forward.hpp>

namespace bijou::inline BIJOU_ISA::detail {

template <class T, int L, class Activation, class Counter> class tile_adjoint {
 public:
  tile_adjoint(const network_plan& plan, const network_pass<T>& pass,
               const network_cotangents<T>& cotangents)
      : plan_(plan), pass_(pass), cotangents_(cotangents) {}

  /// Adjoint of the forward pass; the caller has set all cotangents of the output. ready(l) when
  /// those of layer l's rows are complete and the units before it still hold their values: their
  /// cotangents may take the same places next.
  void run(function_ref<void(int)> ready) const {
    clear_padding(0, plan_.variables());
    for (int l = plan_.hidden_layers() - 1; l >= 0; --l) {
      ready(l + 1);
      pull_all_columns(plan_.layer(l + 1).units, rows_of(l + 1), unit_target(l, false, true));
    }
    ready(0);
    if (!plan_.output().inputs.empty())
      pull_all_columns(plan_.output().inputs, cotangents_.out, input_target());
    if (!plan_.layer(0).inputs.empty())
      pull_all_columns(plan_.layer(0).inputs, rows_of(0), input_target());
    pull_context();
  }

  /// Adjoint of the sweep: pull(rank0, rank1) when the cotangents of these ranks' x are complete;
  /// it sets the cotangents of their output rows.
  void sweep(const sweep_blocks& blocks, rank_function pull) const {
    const int levels = plan_.levels();
    if (blocks.block == 0) {
      sweep_leaf({0, levels}, true, pull);
    } else {
      for (int d = (levels - 1) / blocks.block * blocks.block; d >= 0; d -= blocks.block) {
        const degree_range block{d, std::min(d + blocks.block, levels)};
        pull_to_block(block, {block.last, levels}, true);
        sweep_block(block, blocks.leaf, pull);
      }
    }
    pull_context();
  }

 private:
  /// Cotangents of everything in `columns` add what rows of higher degrees [rows) pass down.
  void pull_to_block(degree_range columns, degree_range rows, bool start) const {
    for (int l = plan_.hidden_layers() - 1; l >= 0; --l) pull_units(l, columns, rows, start, false);
    pull_skip(columns, rows);
    pull_inputs(columns, rows);
  }

  void sweep_block(degree_range d, int leaf, rank_function pull) const {
    if (d.last - d.first <= leaf) return sweep_leaf(d, false, pull);
    const int middle = (d.first + d.last) / 2;
    sweep_block({middle, d.last}, leaf, pull);
    pull_to_block({d.first, middle}, {middle, d.last}, false);
    sweep_block({d.first, middle}, leaf, pull);
  }

  void sweep_leaf(degree_range leaf, bool start, rank_function pull) const {
    for (int d = leaf.last - 1; d >= leaf.first; --d) {
      const degree_range one{d, d + 1}, from{d, leaf.last}, above{d + 1, leaf.last};
      for (int l = plan_.hidden_layers() - 1; l >= 0; --l)
        pull_units(l, one, l + 1 == plan_.hidden_layers() ? above : from, start, true);
      pull_skip(one, above);
      pull_inputs(one, from);
      const int rank = plan_.first_variable(d), next = plan_.first_variable(d + 1);
      if (next > rank) {
        pull(rank, next);
        clear_padding(rank, next);
      }
    }
  }

  void pull_units(int l, degree_range columns, degree_range rows, bool start, bool complete) const {
    pull_rectangle(plan_.layer(l + 1).units, plan_.first_unit(l, columns.first),
                   plan_.first_unit(l, columns.last), first_row(l + 1, rows.first),
                   first_row(l + 1, rows.last), rows_of(l + 1), unit_target(l, !start, complete));
  }
  void pull_inputs(degree_range columns, degree_range rows) const {
    if (plan_.layer(0).inputs.empty()) return;
    pull_rectangle(plan_.layer(0).inputs, plan_.first_input(columns.first),
                   plan_.first_input(columns.last), first_row(0, rows.first),
                   first_row(0, rows.last), rows_of(0), input_target());
  }
  void pull_skip(degree_range columns, degree_range rows) const {
    if (plan_.output().inputs.empty()) return;
    pull_rectangle(plan_.output().inputs, plan_.first_input(columns.first),
                   plan_.first_input(columns.last), plan_.first_output_row(rows.first),
                   plan_.first_output_row(rows.last), cotangents_.out, input_target());
  }
  void pull_context() const {
    if (!cotangents_.context) return;
    for (int l : {plan_.hidden_layers(), 0}) {
      const layer_plan& layer = plan_.layer(l);
      if (!layer.context.empty())
        pull_rectangle(layer.context, 0, plan_.context(), 0, layer.rows, rows_of(l),
                       {cotangents_.context, nullptr, true, nullptr});
    }
  }

  /// Every column from exactly the rows that use it.
  void pull_all_columns(const staircase& panels, const T* g, const cotangent_target<T>& to) const {
    if constexpr (!std::is_same_v<Counter, no_counter>)
      for (int k = 0; k < panels.columns(); ++k) Counter::add(panels.rows() - panels.first_row(k));
    pull_back_columns<T, L, Activation>(pass_.theta, panels, 0, panels.columns(),
                                        {0, panels.rows(), true}, g, to, pass_.lanes);
  }

  void pull_rectangle(const staircase& panels, int first_column, int last_column, int first_row,
                      int last_row, const T* g, const cotangent_target<T>& to) const {
    if (first_row >= last_row && to.accumulate && !to.slope_at) return;
    Counter::add(long{last_column - first_column} * (last_row - first_row));
    pull_back_columns<T, L, Activation>(pass_.theta, panels, first_column, last_column,
                                        {first_row, last_row}, g, to, pass_.lanes);
  }

  int first_row(int l, int d) const {
    return l < plan_.hidden_layers() ? plan_.first_unit(l, d) : plan_.first_output_row(d);
  }
  T* rows_of(int l) const { return plan_.rows_of<L>(l, cotangents_.hidden, cotangents_.out); }
  cotangent_target<T> unit_target(int l, bool accumulate, bool complete) const {
    const T* at = Activation::derivative_from_output ? pass_.hidden : pass_.pre;
    return {rows_of(l), nullptr, accumulate,
            complete ? plan_.rows_of<L, const T>(l, at, nullptr) : nullptr};
  }
  cotangent_target<T> input_target() const { return {cotangents_.x, pass_.rows, true, nullptr}; }

  /// Padding rows have zero weights, but zero times what the caller left there may be NaN.
  void clear_padding(int rank, int last) const {
    const output_layout& outputs = plan_.outputs();
    for (; rank < last; ++rank)
      for (int j = outputs.parameters(); j < outputs.stride(); ++j)
        std::fill_n(cotangents_.out + std::ptrdiff_t{outputs.row(rank, j)} * L, pass_.lanes, T(0));
  }

  const network_plan& plan_;
  const network_pass<T>& pass_;
  const network_cotangents<T>& cotangents_;
};

} // namespace bijou::inline BIJOU_ISA::detail

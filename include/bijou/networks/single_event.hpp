#pragma once
/// \file
/// One event through a masked network: the packed weights read with lanes along rows.
///
/// A tile of one sample would waste its other lanes. Buffers here hold one number per row; hidden
/// layers and the output are padded to whole panels, whose spare rows are written too.

#include <bijou/kernels/row_product.hpp>
#include <bijou/networks/tile_forward.hpp>

namespace bijou::inline BIJOU_ISA::detail {

template <class T, class Activation> class single_event {
 public:
  single_event(const network_plan& plan, const network_pass<T>& pass) : plan_(plan), pass_(pass) {}

  void run() const {
    for (int l = 0; l < plan_.hidden_layers(); ++l) run_layer<Activation>(l, true);
    run_layer<linear_output>(plan_.hidden_layers(), true);
  }

  /// As soon as a unit's value is known, its products are added to all rows that read it. (A row
  /// that fetched all its products at the end would be one long chain of additions, each waiting
  /// for the one before.) The order of a row's additions is that of a tile: context, units, inputs.
  /// A skip connection's inputs are the last of these and are therefore fetched, once the row has
  /// all else.
  template <class Solve> void sweep(Solve&& solve) const {
    const int layers = plan_.hidden_layers();
    for (int l = 0; l <= layers; ++l) run_layer<linear_output>(l, false);
    for (int d = 0; d < plan_.levels(); ++d) {
      const int rank = plan_.first_variable(d), next = plan_.first_variable(d + 1);
      if (next > rank) {
        if (const staircase& skip = plan_.output().inputs; !skip.empty())
          multiply_some_rows<T>(pass_.theta, {&skip, pass_.x, pass_.rows, 0, plan_.first_input(d)},
                                plan_.first_output_row(d), plan_.first_output_row(d + 1),
                                pass_.out);
        solve(rank, next);
      }
      if (const staircase& inputs = plan_.layer(0).inputs; !inputs.empty())
        push_columns<T>(
            pass_.theta,
            {&inputs, pass_.x, pass_.rows, plan_.first_input(d), plan_.first_input(d + 1)},
            plan_.first_unit(0, d), rows_of(0));
      for (int l = 0; l < layers; ++l) {
        const int first = plan_.first_unit(l, d), last = plan_.first_unit(l, d + 1);
        activate_rows<T, Activation>(rows_of(l), first, last);
        push_columns<T>(pass_.theta, {&plan_.layer(l + 1).units, rows_of(l), nullptr, first, last},
                        l + 1 < layers ? plan_.first_unit(l + 1, d) : plan_.first_output_row(d + 1),
                        rows_of(l + 1));
      }
    }
  }

 private:
  /// Biases and context, and if `all` everything else and the activation.
  template <class Function> void run_layer(int l, bool all) const {
    const layer_plan& layer = plan_.layer(l);
    const T* const biases = pass_.biases(layer);
    term_list<T> terms;
    if (pass_.reads_context(layer))
      terms.add(layer.context, pass_.context, nullptr, 0, layer.context.columns());
    if (all && !layer.units.empty())
      terms.add(layer.units, rows_of(l - 1), nullptr, 0, layer.units.columns());
    if (all && !layer.inputs.empty())
      terms.add(layer.inputs, pass_.x, pass_.rows, 0, layer.inputs.columns());
    multiply_layer<T, Function>(pass_.theta, terms.span(), biases, panel_count(layer.rows),
                                rows_of(l), all);
  }

  T* rows_of(int l) const { return plan_.rows_of<1>(l, pass_.hidden, pass_.out); }

  const network_plan& plan_;
  const network_pass<T>& pass_;
};

} // namespace bijou::inline BIJOU_ISA::detail

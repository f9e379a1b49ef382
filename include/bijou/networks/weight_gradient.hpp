#pragma once
/// \file
/// The gradient of a masked network's parameters, summed over the samples of a tile.

#include <bijou/kernels/outer_product.hpp>
#include <bijou/kernels/sample_sums.hpp>
#include <bijou/networks/network_plan.hpp>
#include <bijou/networks/pass.hpp>

namespace bijou::inline BIJOU_ISA::detail {

template <class T, int L> class weight_gradient {
 public:
  weight_gradient(const network_plan& plan, const network_pass<T>& pass,
                  const network_cotangents<T>& cotangents)
      : plan_(plan), pass_(pass), cotangents_(cotangents) {}

  /// Rows of scratch that add() needs: transposed cotangents, ones, inputs and context.
  static constexpr int scratch_rows(int inputs, int context) {
    return (transposed_size<T, L> + L - 1) / L + 1 + whole_panels(inputs) + whole_panels(context);
  }

  /// What add() needs beside the pass, from `samples` lanes of it.
  void prepare(int samples, T* scratch) const {
    T* const ones = scratch + transposed_size<T, L>;
    T* const inputs = ones + L;
    std::fill_n(ones, samples, T(1));
    gather(pass_.x, pass_.rows, plan_.inputs(), samples, inputs);
    if (pass_.context) gather(pass_.context, nullptr, plan_.context(), samples, context_of(inputs));
  }
  /// grad += the gradient of layer l; grad is laid out like theta, its corners receive garbage.
  void add(int l, int samples, T* grad, T* scratch) const {
    T* const ones = scratch + transposed_size<T, L>;
    add_layer(operands_of(l, ones, ones + L), samples, grad, scratch);
  }

 private:
  /// Rows in rank order and with room behind them: sums read whole blocks of rows, at constant
  /// distances.
  static void gather(const T* from, const int* rows, int count, int samples, T* to) {
    for (int i = 0; i < count; ++i)
      std::copy_n(from + std::ptrdiff_t{rows ? rows[i] : i} * L, samples, to + i * L);
  }

  template <class P> P* context_of(P* inputs) const {
    return inputs + whole_panels(plan_.inputs()) * L;
  }

  /// What a layer's gradient is made of: cotangents of its rows, values of its columns.
  struct operands {
    const layer_plan& layer;
    const T *g, *ones, *values[max_terms];
  };
  operands operands_of(int l, const T* ones, const T* inputs) const {
    const layer_plan& layer = plan_.layer(l);
    return {layer,
            plan_.rows_of<L>(l, cotangents_.hidden, cotangents_.out),
            ones,
            {context_of(inputs), l > 0 ? plan_.rows_of<L>(l - 1, pass_.hidden, pass_.out) : nullptr,
             inputs}};
  }

  void add_layer(const operands& o, int samples, T* grad, T* transposed) const {
    constexpr int together = outer_block<T>::panels;
    const layer_plan& layer = o.layer;
    const int panels = panel_count(layer.rows);
    const auto by_sums = [&](int q) { return layer.gradient.sums_are_cheaper(q, samples); };
    for (int q = 0; q < panels;) {
      if (by_sums(q)) {
        add_sums(o, q, samples, grad);
        ++q;
        continue;
      }
      const int count = q + 1 < panels && !by_sums(q + 1) ? together : 1;
      for (int i = 0; i < count; ++i) {
        const int r = panel_begin(q + i);
        T* const rows = transposed + panel_begin(i);
        transpose_panel<T, L>(o.g + std::ptrdiff_t{r} * L, std::min(panel_rows, layer.rows - r),
                              rows);
        add_rows(rows, samples, grad + layer.bias + r);
      }
      for (int t = 0; t < max_terms; ++t)
        if (const staircase& s = layer.term(t); !s.empty())
          add_outer_panels<T, L>(s, q, count, o.values[t], transposed, samples, grad);
      q += count;
    }
  }

  void add_sums(const operands& o, int q, int samples, T* grad) const {
    const auto add = [&](const gradient_block& block, const T* x, T* to, int width) {
      const T* const g = o.g + std::ptrdiff_t{block.first} * L;
      T* const first = to + row_in_panel(block.first);
      const auto run = [&]<int R>(std::integral_constant<int, R>) {
        add_sample_sums<T, L, R>(g, block.rows(), x, block.columns, samples, first, width);
      };
      switch (rows_together(block.rows())) {
      case 1:
        return run(std::integral_constant<int, 1>{});
      case 2:
        return run(std::integral_constant<int, 2>{});
      case 4:
        return run(std::integral_constant<int, 4>{});
      case 8:
        return run(std::integral_constant<int, 8>{});
      default:
        return run(std::integral_constant<int, 16>{});
      }
    };
    const int first = panel_begin(q), last = std::min(panel_begin(q + 1), o.layer.rows);
    add({.term = 0, .first = first, .last = last, .columns = 1}, o.ones,
        grad + o.layer.bias + first, panel_rows);
    for (const gradient_block& block : o.layer.gradient.of(q)) {
      const staircase& s = o.layer.term(block.term);
      add(block, o.values[block.term], grad + s.panel(q), s.width(q));
    }
  }

  const network_plan& plan_;
  const network_pass<T>& pass_;
  const network_cotangents<T>& cotangents_;
};

} // namespace bijou::inline BIJOU_ISA::detail

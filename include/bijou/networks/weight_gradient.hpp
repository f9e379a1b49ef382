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

  /// Rows of scratch that add() needs: transposed cotangents, ones, inputs.
  static constexpr int scratch_rows(int inputs) {
    return (transposed_size<T, L> + L - 1) / L + 1 + inputs;
  }

  /// grad += the gradient; grad is laid out like theta, its corners receive garbage.
  void add(int samples, T* grad, T* scratch) const {
    T* const ones = scratch + transposed_size<T, L>;
    std::fill_n(ones, samples, T(1));
    gather_inputs(samples, ones + L);
    for (int l = 0; l <= plan_.hidden_layers(); ++l)
      add_layer(operands_of(l, ones), samples, grad, scratch);
  }

 private:
  /// Rows of x in rank order: products with constant distances between rows need no table.
  void gather_inputs(int samples, T* to) const {
    for (int i = 0; i < plan_.inputs(); ++i)
      std::copy_n(pass_.x + std::ptrdiff_t{pass_.rows ? pass_.rows[i] : i} * L, samples,
                  to + i * L);
  }

  /// What a layer's gradient is made of: cotangents of its rows, values of its columns.
  struct operands {
    const layer_plan& layer;
    const T *g, *context, *units, *inputs, *ones;

    /// f(staircase, values) for each term.
    template <class F> void for_each_term(F&& f) const {
      if (!layer.context.empty()) f(layer.context, context);
      if (!layer.units.empty()) f(layer.units, units);
      if (!layer.inputs.empty()) f(layer.inputs, inputs);
    }
  };
  operands operands_of(int l, const T* ones) const {
    const layer_plan& layer = plan_.layer(l);
    const bool output = l == plan_.hidden_layers();
    return {layer,
            output ? cotangents_.out : cotangents_.hidden + std::ptrdiff_t{layer.first_row} * L,
            pass_.context,
            l > 0 ? pass_.hidden + std::ptrdiff_t{plan_.layer(l - 1).first_row} * L : nullptr,
            ones + L,
            ones};
  }

  void add_layer(const operands& o, int samples, T* grad, T* transposed) const {
    constexpr int together = outer_block<T>::panels;
    const int panels = o.layer.padded_rows / panel_rows;
    for (int q = 0; q < panels;) {
      if (is_thin(o.layer, q, samples)) {
        add_thin_panel(o, q, samples, grad);
        ++q;
        continue;
      }
      const int count = q + 1 < panels && !is_thin(o.layer, q + 1, samples) ? together : 1;
      for (int i = 0; i < count; ++i) {
        const int r = (q + i) * panel_rows;
        T* const rows = transposed + i * panel_rows;
        transpose_panel<T, L>(o.g + std::ptrdiff_t{r} * L, std::min(panel_rows, o.layer.rows - r),
                              rows);
        add_rows(rows, samples, grad + o.layer.bias + r);
      }
      o.for_each_term([&](const staircase& s, const T* x) {
        add_outer_panels<T, L>(s, q, count, x, transposed, samples, grad);
      });
      q += count;
    }
  }

  /// Rows [first, last) of a panel that use a column of s.
  struct row_range {
    int first, last;
    int count() const { return last - first; }
  };
  static row_range rows_that_use(const staircase& s, int q) {
    const int last = std::min((q + 1) * panel_rows, s.rows());
    return {std::clamp(s.first_row(0), q * panel_rows, last), last};
  }

  /// Whether sums over samples are the cheaper way to a panel's gradient: it has few columns or few
  /// rows. In multiply-adds of sixteen: a column of an outer product takes one for each sample,
  /// transposition and biases together 14; sixteen sums take one for each sample, and what 112 take
  /// to add their parts (measured with AVX-512).
  static bool is_thin(const layer_plan& layer, int q, int samples) {
    int columns = 0, sums = 1;
    layer.for_each_term([&](const staircase& s) {
      const int together = panel_rows / rows_together(rows_that_use(s, q).count());
      columns += s.panel_limit(q);
      sums += (s.panel_limit(q) + together - 1) / together;
    });
    return sums * (samples + 112) < (columns + 14) * samples;
  }

  void add_thin_panel(const operands& o, int q, int samples, T* grad) const {
    const auto add = [&](row_range rows, const T* x, int columns, T* to) {
      const T* const g = o.g + std::ptrdiff_t{rows.first} * L;
      T* const first = to + rows.first % panel_rows;
      const auto run = [&]<int R>(std::integral_constant<int, R>) {
        add_sample_sums<T, L, R>(g, rows.count(), x, columns, samples, first);
      };
      switch (rows_together(rows.count())) {
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
    const int last = std::min((q + 1) * panel_rows, o.layer.rows);
    add({q * panel_rows, last}, o.ones, 1, grad + o.layer.bias + q * panel_rows);
    o.for_each_term([&](const staircase& s, const T* x) {
      const row_range rows = rows_that_use(s, q);
      if (rows.count() > 0) add(rows, x, s.panel_limit(q), grad + s.panel(q));
    });
  }

  const network_plan& plan_;
  const network_pass<T>& pass_;
  const network_cotangents<T>& cotangents_;
};

} // namespace bijou::inline BIJOU_ISA::detail

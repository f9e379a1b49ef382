#pragma once
/// \file
/// The gradient of a masked network's parameters, summed over the samples of a tile.

#include <bijou/kernels/outer_product.hpp>
#include <bijou/networks/network_plan.hpp>
#include <bijou/networks/pass.hpp>

namespace bijou::inline BIJOU_ISA::detail {

template <class T, int L> class weight_gradient {
 public:
  weight_gradient(const network_plan& plan, const network_pass<T>& pass,
                  const network_cotangents<T>& cotangents)
      : plan_(plan), pass_(pass), cotangents_(cotangents) {}

  /// Elements of scratch that add() needs.
  static int scratch_size(const network_plan& plan) {
    return transposed_size<T, L> + plan.inputs() * L;
  }

  /// grad += the gradient; grad is laid out like theta, its corners receive garbage.
  void add(int samples, T* grad, T* scratch) const {
    T* const inputs = scratch + transposed_size<T, L>;
    gather_inputs(samples, inputs);
    for (int l = 0; l <= plan_.hidden_layers(); ++l) add_layer(l, samples, inputs, grad, scratch);
  }

 private:
  /// Rows of x in rank order: products with constant distances between rows need no table.
  void gather_inputs(int samples, T* to) const {
    for (int i = 0; i < plan_.inputs(); ++i)
      std::copy_n(pass_.x + std::ptrdiff_t{pass_.rows ? pass_.rows[i] : i} * L, samples,
                  to + i * L);
  }

  void add_layer(int l, int samples, const T* inputs, T* grad, T* transposed) const {
    const layer_plan& layer = plan_.layer(l);
    const T* g = l < plan_.hidden_layers()
                     ? cotangents_.hidden + std::ptrdiff_t{layer.first_row} * L
                     : cotangents_.out;
    const T* units =
        l > 0 ? pass_.hidden + std::ptrdiff_t{plan_.layer(l - 1).first_row} * L : nullptr;
    constexpr int together = outer_block<T>::panels;
    const int panels = layer.padded_rows / panel_rows;
    for (int q = 0; q < panels; q += together) {
      const int count = std::min(together, panels - q);
      for (int i = 0; i < count; ++i) {
        const int r = (q + i) * panel_rows;
        T* const rows = transposed + i * panel_rows;
        transpose_panel<T, L>(g + std::ptrdiff_t{r} * L, std::min(panel_rows, layer.rows - r),
                              rows);
        add_rows(rows, samples, grad + layer.bias + r);
      }
      const auto add_term = [&](const staircase& s, const T* x) {
        if (!s.empty()) add_outer_panels<T, L>(s, q, count, x, transposed, samples, grad);
      };
      add_term(layer.context, pass_.context);
      add_term(layer.units, units);
      add_term(layer.inputs, inputs);
    }
  }

  const network_plan& plan_;
  const network_pass<T>& pass_;
  const network_cotangents<T>& cotangents_;
};

} // namespace bijou::inline BIJOU_ISA::detail

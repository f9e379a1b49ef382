#pragma once
/// \file
/// The memory that one pass through a masked network reads and writes. The caller owns all of it.

#include <bijou/networks/network_plan.hpp>

namespace bijou::inline BIJOU_ISA {

/// One tile (or one event: lanes are then absent, every row is one number) on its way through a
/// network. Row r of a buffer begins at r * L.
template <class T> struct network_pass {
  const T* theta;                ///< packed parameters
  const T* context = nullptr;    ///< rows of context, not read where first_bias is given
  const T* first_bias = nullptr; ///< biases with the context folded in, see fold_context
  const T* x;                    ///< rows of inputs; a sweep's solve() writes them
  const int* rows = nullptr;     ///< rank -> row of x; row = rank if null
  T* hidden;                     ///< hidden_rows rows of activations: the tape of an adjoint
  T* pre = nullptr;              ///< hidden_rows rows before activation, for an adjoint whose
                                 ///< activation has no derivative_from_output
  T* out;                        ///< rows of an output_layout
  int lanes = 0;                 ///< lanes in use, a multiple of strip<T>

  /// Whether a layer's sums have the context yet to add: it has one, and nothing is folded.
  bool reads_context(const layer_plan& layer) const {
    return !layer.context.empty() && !first_bias;
  }
  /// What a layer's sums begin with, row by row.
  const T* biases(const layer_plan& layer) const {
    return first_bias && !layer.context.empty() ? first_bias + layer.folded : theta + layer.bias;
  }
};

/// Cotangents of a pass's buffers, in the same places.
template <class T> struct network_cotangents {
  T* out;               ///< set by the caller (padding rows are cleared)
  T* hidden;            ///< written: cotangents before the activation
  T* x;                 ///< added to
  T* context = nullptr; ///< added to, if not null
};

/// Counts nothing, costs nothing. Tests count multiply-adds per lane with a type of their own.
struct no_counter {
  static constexpr void add(long) {}
};

} // namespace bijou::inline BIJOU_ISA

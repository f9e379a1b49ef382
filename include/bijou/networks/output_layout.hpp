#pragma once
/// \file
/// Which row of a network's output holds which parameter of which variable.

#include <bijou/kernels/panels.hpp>

namespace bijou::inline BIJOU_ISA {

/// The parameters of a variable lie side by side, those of the variable of rank 0 first. Up to two
/// lie as they are; more are padded to whole blocks of four rows, so that no register block of a
/// product has rows of two variables.
class output_layout {
 public:
  constexpr output_layout() = default;
  constexpr output_layout(int variables, int parameters)
      : variables_(variables), parameters_(parameters) {}

  constexpr int variables() const { return variables_; }
  constexpr int parameters() const { return parameters_; } ///< of each variable
  /// Rows from one variable to the next.
  constexpr int stride() const {
    return parameters_ <= 2 ? parameters_ : detail::round_up(parameters_, 4);
  }
  constexpr int rows() const { return variables_ * stride(); }
  /// With those that make whole panels of them: what a buffer has.
  constexpr int padded_rows() const { return whole_panels(rows()); }

  /// The row of parameter j of the variable of this rank.
  constexpr int row(int rank, int j = 0) const { return rank * stride() + j; }
  /// Of a row below rows().
  constexpr int rank(int row) const { return row / stride(); }
  constexpr int parameter(int row) const { return row % stride(); }
  /// Whether a row holds a parameter; the others are padding.
  constexpr bool holds_parameter(int row) const {
    return row < rows() && parameter(row) < parameters_;
  }

 private:
  int variables_ = 0, parameters_ = 0;
};

} // namespace bijou::inline BIJOU_ISA

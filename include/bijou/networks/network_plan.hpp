#pragma once
/// \file
/// The run-time plan of a masked network: where its packed weights lie and which rows a degree has.

#include <bijou/kernels/staircase.hpp>
#include <bijou/networks/degrees.hpp>
#include <bijou/networks/gradient_blocks.hpp>
#include <bijou/networks/output_layout.hpp>

#include <array>
#include <initializer_list>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// Rows of a network's hidden buffer: every layer padded to whole panels.
constexpr int hidden_rows(std::initializer_list<int> widths) {
  int rows = 0;
  for (int width : widths) rows += whole_panels(width);
  return rows;
}

/// One layer: a bias per row, then the terms of its sums in the order in which they are added.
struct layer_plan {
  int rows = 0;
  int padded_rows = 0;     ///< rows, whole panels
  int first_row = 0;       ///< among all hidden rows; of the output, their number
  std::ptrdiff_t bias = 0; ///< index of row 0's bias; row 0's folded bias is at `folded`
  int folded = 0;
  staircase context, units, inputs;
  detail::gradient_blocks gradient; ///< of the terms, in this order

  /// In the order in which they are added; those without columns are absent.
  std::array<const staircase*, 3> terms() const { return {&context, &units, &inputs}; }
  const staircase& term(int t) const { return *terms()[static_cast<std::size_t>(t)]; }
  template <class F> void for_each_term(F&& f) const {
    for (const staircase* s : terms())
      if (!s->empty()) f(*s);
  }
};

/// Where everything of a masked network lies. Built once; a regular value.
class network_plan {
 public:
  network_plan() = default;

  /// \throws std::invalid_argument if degrees are negative, inputs or outputs do not ascend, or
  ///         there is no hidden layer
  network_plan(const degree_assignment& degrees, int parameters, bool skip)
      : context_(degrees.context), inputs_(detail::length(degrees.inputs)),
        outputs_(detail::length(degrees.outputs), parameters), skip_(skip),
        invertible_(degrees.inputs == degrees.outputs) {
    check(degrees);
    sort_hidden_units(degrees);
    count_levels(degrees);
    lay_out(degrees, skip);
  }

  int context() const { return context_; }
  int inputs() const { return inputs_; }
  const output_layout& outputs() const { return outputs_; }
  int variables() const { return outputs_.variables(); }
  int parameters() const { return outputs_.parameters(); }
  bool skip() const { return skip_; }
  bool invertible() const { return invertible_; }
  int hidden_layers() const { return hidden_layers_; }
  int hidden_rows() const { return output().first_row; }
  const layer_plan& layer(int l) const { return detail::at(layers_, l); }
  const layer_plan& hidden(int l) const { return layer(l); }
  const layer_plan& output() const { return layers_.back(); }

  /// Degrees run from 0 to levels() - 1. The tables below are asked with 0 ... levels().
  int levels() const { return levels_; }
  /// First rank of degree >= d among inputs, outputs; first row among the units of hidden layer l.
  int first_input(int d) const { return detail::at(first_input_, d); }
  int first_variable(int d) const { return detail::at(first_variable_, d); }
  int first_unit(int l, int d) const { return detail::at(detail::at(first_unit_, l), d); }
  int first_output_row(int d) const { return outputs_.row(first_variable(d)); }

  /// Row 0 of layer l in buffers of which one has all hidden layers, one after another, and the
  /// other the output: rows of L lanes.
  template <int L, class T> T* rows_of(int l, T* hidden, T* out) const {
    return l < hidden_layers() ? hidden + std::ptrdiff_t{layer(l).first_row} * L : out;
  }

  /// sorted row -> unit in the network's own order
  const std::vector<int>& unit_of_row(int l) const { return detail::at(unit_of_row_, l); }

  int parameter_count() const { return parameter_count_; }
  int folded_rows() const { return folded_rows_; }

 private:
  static void check(const degree_assignment& a) {
    const auto fail = [](const std::string& what) {
      throw std::invalid_argument("masked network: " + what);
    };
    if (a.hidden.empty()) fail("expected at least one hidden layer, got none");
    if (!std::is_sorted(a.inputs.begin(), a.inputs.end()) ||
        !std::is_sorted(a.outputs.begin(), a.outputs.end()))
      fail("expected input and output degrees in ascending (rank) order");
    const auto negative = [](int d) { return d < 0; };
    bool any = std::any_of(a.inputs.begin(), a.inputs.end(), negative) ||
               std::any_of(a.outputs.begin(), a.outputs.end(), negative);
    for (const auto& layer : a.hidden) any |= std::any_of(layer.begin(), layer.end(), negative);
    if (any) fail("expected degrees >= 0, got a negative one");
  }

  /// Stable, so that a network that is sorted already keeps its order.
  void sort_hidden_units(const degree_assignment& a) {
    for (const auto& degrees : a.hidden) {
      std::vector<int> order(degrees.size());
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int i, int j) {
        return detail::at(degrees, i) < detail::at(degrees, j);
      });
      unit_of_row_.push_back(std::move(order));
    }
  }

  /// table[d] = number of entries of ascending `degrees` below d
  std::vector<int> first_of_degree(const std::vector<int>& degrees) const {
    std::vector<int> table;
    for (int d = 0; d <= levels_; ++d)
      table.push_back(
          static_cast<int>(std::lower_bound(degrees.begin(), degrees.end(), d) - degrees.begin()));
    return table;
  }

  void count_levels(const degree_assignment& a) {
    int highest = 0;
    for (int d : a.inputs) highest = std::max(highest, d);
    for (int d : a.outputs) highest = std::max(highest, d);
    for (const auto& layer : a.hidden)
      for (int d : layer) highest = std::max(highest, d);
    levels_ = highest + 1;
    first_input_ = first_of_degree(a.inputs);
    first_variable_ = first_of_degree(a.outputs);
    for (auto degrees : a.hidden) {
      std::sort(degrees.begin(), degrees.end());
      first_unit_.push_back(first_of_degree(degrees));
    }
  }

  /// Appends biases and the given staircases of a layer at the end of the parameter vector.
  struct row_limits {
    std::vector<int> context, units, inputs;
  };
  void append_layer(int rows, const row_limits& limits, int units, bool folds) {
    layer_plan layer;
    layer.rows = rows;
    layer.padded_rows = whole_panels(rows);
    layer.bias = parameter_count_;
    std::ptrdiff_t end = layer.bias + layer.padded_rows;
    const auto append = [&](staircase& s, const std::vector<int>& row_limit, int columns) {
      if (row_limit.empty() || columns == 0) return;
      s = staircase(row_limit, columns, end);
      end = s.end();
    };
    append(layer.context, limits.context, context_);
    append(layer.units, limits.units, units);
    append(layer.inputs, limits.inputs, inputs_);
    layer.gradient = detail::gradient_blocks(panel_count(rows), layer.terms());
    parameter_count_ = static_cast<int>(end);
    if (folds) {
      layer.folded = folded_rows_;
      folded_rows_ += layer.padded_rows;
    }
    layers_.push_back(std::move(layer));
  }

  void lay_out(const degree_assignment& a, bool skip) {
    int first_row = 0;
    for (int l = 0; l < detail::length(a.hidden); ++l) {
      std::vector<int> degrees = detail::at(a.hidden, l);
      std::sort(degrees.begin(), degrees.end());
      row_limits limits;
      for (int m : degrees) {
        if (l == 0) limits.context.push_back(context_);
        if (l == 0) limits.inputs.push_back(first_input(m + 1));
        if (l > 0) limits.units.push_back(first_unit(l - 1, m + 1));
      }
      append_layer(detail::length(degrees), limits, l > 0 ? layers_.back().rows : 0, l == 0);
      layers_.back().first_row = first_row;
      first_row += layers_.back().padded_rows;
    }
    hidden_layers_ = detail::length(layers_);
    const int last_hidden = hidden_layers_ - 1;
    row_limits limits;
    for (int d : a.outputs)
      for (int j = 0; j < outputs_.stride(); ++j) {
        const bool used = j < outputs_.parameters();
        if (skip) limits.context.push_back(used ? context_ : 0);
        limits.units.push_back(used ? first_unit(last_hidden, d) : 0);
        if (skip) limits.inputs.push_back(used ? first_input(d) : 0);
      }
    append_layer(outputs_.rows(), limits, layers_.back().rows, skip);
    layers_.back().first_row = first_row;
  }

  int context_ = 0, inputs_ = 0, levels_ = 0, hidden_layers_ = 0;
  output_layout outputs_;
  int parameter_count_ = 0, folded_rows_ = 0;
  bool skip_ = false, invertible_ = false;
  std::vector<layer_plan> layers_;
  std::vector<int> first_input_, first_variable_;
  std::vector<std::vector<int>> first_unit_, unit_of_row_;
};

} // namespace bijou::inline BIJOU_ISA

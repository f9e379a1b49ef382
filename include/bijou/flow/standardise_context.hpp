#pragma once
/// \file
/// `standardise_context(q, context)`: the units of a context, taken from data.
///
///     auto q = make_flow<float>(normal<2> | given<3> | maf<64> | flip | maf<64>);
///     standardise_context(q, context);   // before training; a file of q carries the numbers
///     fit(q, samples, context);          // contexts as they are, here and in all calls

#include <bijou/flow/bijector.hpp>
#include <bijou/interop/xtensor.hpp>
#include <bijou/kernels/function_ref.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// How the numbers of a column lie: mean and standard deviation.
struct column_spread {
  double mean = 0, spread = 0;
  bool constant = true; ///< all are the same number: `mean`, to the bit
};

/// Of n finite numbers x(i), counted with |weight(i)|: a row of weight 0 is absent. Numbers of any
/// size, since they are summed in units of the largest, a power of two.
inline column_spread spread_of(std::size_t n, function_ref<double(std::size_t)> x,
                               function_ref<double(std::size_t)> weight) {
  double largest = 0, heaviest = 0, first = 0;
  column_spread result;
  for (std::size_t i = 0; i < n; ++i) {
    const double w = std::abs(weight(i));
    if (w == 0) continue;
    if (heaviest == 0)
      first = x(i);
    else if (x(i) != first)
      result.constant = false;
    heaviest = std::max(heaviest, w);
    largest = std::max(largest, std::abs(x(i)));
  }
  result.mean = first;
  if (result.constant) return result;
  const int exponent = std::ilogb(largest);
  const auto in_units = [&](double v) { return std::scalbn(v, -exponent); };
  // Differences to one of the numbers lose nothing where all are far from 0.
  const double origin = in_units(first);
  double sum = 0, total = 0;
  const auto for_each_present = [&](const auto& f) {
    for (std::size_t i = 0; i < n; ++i)
      if (const double w = std::abs(weight(i)) / heaviest; w > 0) f(w, in_units(x(i)) - origin);
  };
  for_each_present([&](double w, double d) {
    sum = std::fma(w, d, sum); // explicit: whatever the flags, the same bits
    total += w;
  });
  const double shift = sum / total;
  double squares = 0;
  for_each_present(
      [&](double w, double d) { squares = std::fma(w * (d - shift), d - shift, squares); });
  result.mean = std::scalbn(origin + shift, exponent);
  result.spread = std::scalbn(std::sqrt(squares / total), exponent);
  return result;
}

/// Gives q the mean and spread of C columns; a constant one is moved to 0, and keeps its scale.
template <class Flow>
void standardise_by(Flow& q, const char* who, const std::vector<column_spread>& columns) {
  std::vector<double> mean, scale;
  for (const column_spread& c : columns) {
    mean.push_back(c.mean);
    // 1 would be lost beside a constant of 1e30.
    scale.push_back(c.constant ? std::max(1.0, std::abs(c.mean)) : c.spread);
  }
  auto units = q.standardisation();
  units.set(who, std::span<const double>(mean), std::span<const double>(scale));
  q.set_standardisation(units);
}

template <class Flow, class X> void standardise_by_rows(Flow& q, std::size_t n, const X& x) {
  constexpr bool conditional = Flow::context_size > 0;
  static_assert(conditional, "bijou: standardise_context(q, context) is for flows with given<C>");
  if constexpr (conditional) {
    constexpr bool is_free = !Flow::context_is_standardised_as_written;
    static_assert(is_free, "bijou: the expression of this flow says the units of its context, "
                           "given<C>.standardise(mean, scale), and data cannot change them");
    if (n < 2)
      throw std::invalid_argument("standardise_context: expected two rows or more, got " +
                                  std::to_string(n));
    std::vector<column_spread> columns;
    for (int k = 0; k < Flow::context_size; ++k) {
      for (std::size_t i = 0; i < n; ++i)
        if (!std::isfinite(x(i, k)))
          throw std::invalid_argument("standardise_context: expected finite contexts, got " +
                                      std::to_string(x(i, k)) + " in row " + std::to_string(i) +
                                      ", column " + std::to_string(k));
      columns.push_back(spread_of(
          n, [&](std::size_t i) { return x(i, k); }, [](std::size_t) { return 1.0; }));
    }
    if constexpr (is_free) standardise_by(q, "standardise_context", columns);
  }
}

} // namespace detail

/// From now on the networks of q see contexts less their mean, in units of their standard
/// deviation, both taken from these rows: for a flow that is about to be trained, since the same
/// weights now mean another density. Constant columns become 0. Everything that takes a context
/// takes it as it is here. The numbers are copied, saved and loaded with q. Evaluation pays a
/// subtraction and a division for each value of a context. \throws std::invalid_argument if there
/// are less than two rows, or values that are not finite, or if the type of q cannot tell a
/// column's values apart; q is then unchanged
template <class Flow, detail::xtensor_like Context>
void standardise_context(Flow& q, const Context& context) {
  detail::check_shape("standardise_context", "contexts", context, Flow::context_size);
  const auto at = [&](std::size_t i, int k) {
    return static_cast<double>(detail::element_of(context, i, k));
  };
  detail::standardise_by_rows(q, detail::count_of(context), at);
}
/// The same for rows in memory.
template <class Flow>
void standardise_context(Flow& q, batch_view<const typename Flow::value_type> context) {
  const auto at = [&](std::size_t i, int k) {
    return static_cast<double>(context.data[static_cast<std::ptrdiff_t>(i) * context.sample_stride +
                                            k * context.variable_stride]);
  };
  detail::standardise_by_rows(q, context.count, at);
}

} // namespace bijou::inline BIJOU_ISA

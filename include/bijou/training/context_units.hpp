#pragma once
/// \file
/// What `fit` does about the units of a context: takes them from data on request, and says it if
/// networks will see a context that is far from order one.

#include <bijou/training/batches.hpp>
#include <bijou/training/trained_flow.hpp>
#include <bijou/transformers/option_text.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA::detail {

inline std::string rounded_text(double v) {
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "%.4g", v);
  return digits.data();
}

/// Networks see the columns of a context with these means and spreads: the sentences that there are
/// to say of them, at most one of columns that are far from order one and one of constant ones.
inline std::vector<std::string> context_remarks(const std::vector<column_spread>& columns) {
  constexpr double most = 10, least = 0.1;
  constexpr int shown = 3;
  std::string far, constant;
  int far_ones = 0, constant_ones = 0;
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const column_spread& c = columns[k];
    if (c.constant) {
      if (++constant_ones <= shown)
        constant += (constant.empty() ? "" : ", ") + std::to_string(k) + " (always " +
                    rounded_text(c.mean) + ")";
    } else if (std::abs(c.mean) > most || c.spread > most || c.spread < least) {
      if (++far_ones <= shown)
        far += (far.empty() ? "" : ", ") + std::to_string(k) + " (mean " + rounded_text(c.mean) +
               ", spread " + rounded_text(c.spread) + ")";
    }
  }
  const auto listed = [](const std::string& names, int count) {
    return std::string(count > 1 ? "columns " : "column ") + names +
           (count > shown ? " and " + std::to_string(count - shown) + " more" : "");
  };
  std::vector<std::string> sentences;
  if (far_ones > 0)
    sentences.push_back("the context is far from order one in " + listed(far, far_ones) +
                        ", which networks learn badly from: set .standardise_context in the "
                        "options, call standardise_context(q, context) before training, or write "
                        "given<C>.standardise(mean, scale)");
  if (constant_ones > 0)
    sentences.push_back("the context is constant in " + listed(constant, constant_ones) +
                        ": nothing can be learned from that");
  return sentences;
}

/// Takes the units of a flow's context from the given rows if this is asked for and the flow has
/// none. Returns what there is to remark.
template <class T>
std::vector<std::string> prepare_context(trained_flow<T>& q, const weighted_batch<T>& samples,
                                         std::span<const std::uint32_t> rows, bool standardise) {
  if (standardise && q.context_size() == 0)
    throw std::invalid_argument(
        "fit: standardise_context is for flows with given<C>; this one has no context");
  std::vector<column_spread> columns;
  for (int k = 0; k < q.context_size(); ++k)
    columns.push_back(spread_of(
        rows.size(),
        [&](std::size_t i) { return static_cast<double>(element(samples.context, rows[i], k)); },
        [&](std::size_t i) {
          return samples.weights.empty() ? 1.0 : static_cast<double>(samples.weights[rows[i]]);
        }));
  if (standardise && q.context_mean().empty())
    q.standardise_context("fit: standardise_context", columns);
  const std::span<const T> mean = q.context_mean(), scale = q.context_scale();
  for (std::size_t k = 0; k < mean.size(); ++k) {
    columns[k].mean =
        (columns[k].mean - static_cast<double>(mean[k])) / static_cast<double>(scale[k]);
    columns[k].spread /= static_cast<double>(scale[k]);
  }
  return context_remarks(columns);
}

} // namespace bijou::inline BIJOU_ISA::detail

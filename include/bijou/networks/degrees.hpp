#pragma once
/// \file
/// Degrees: which hidden unit of a masked network may see which inputs.
///
/// MADE [Germain et al. 2015, arXiv:1502.03509] gives every unit an integer. A hidden unit of
/// degree m sees the context, inputs of degree <= m and units before it of degree <= m; an output
/// of degree d sees units of degree < d (and, by a skip connection, inputs of degree < d). With
/// inputs and outputs of degree 1 ... D output d depends on inputs 1 ... d - 1 only.

#include <bijou/kernels/unroll.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// Degrees of every unit of a masked network.
struct degree_assignment {
  int context = 0;                      ///< context variables; they have degree 0
  std::vector<int> inputs;              ///< per input variable, in rank order, ascending
  std::vector<std::vector<int>> hidden; ///< per layer and unit, in the network's own order
  std::vector<int> outputs;             ///< per output variable, in rank order, ascending
};

/// \throws std::invalid_argument unless hidden layers have as many units as those of `shape`
inline void expect_same_widths(const degree_assignment& shape, const degree_assignment& degrees) {
  const auto widths = [](const degree_assignment& a) {
    std::string text;
    for (const auto& layer : a.hidden) text += " " + std::to_string(layer.size());
    return text;
  };
  const std::string expected = widths(shape), got = widths(degrees);
  if (got != expected)
    throw std::invalid_argument("masked network: expected degrees of hidden layers of" + expected +
                                " units, got" + got);
}

namespace detail {

/// 1, 2, ... n; or neighbours in groups of `together`, which share a degree.
inline std::vector<int> ranks_from_one(int n, int together = 1) {
  std::vector<int> degrees;
  for (int i = 0; i < n; ++i) degrees.push_back(1 + i / together);
  return degrees;
}
/// How many neighbours share a degree where n variables are to have so many: n / groups, rounded
/// up.
inline int group_size(int n, int groups) { return (n + groups - 1) / groups; }

/// One layer of `width` units with degrees lowest ... lowest + levels - 1. Where there are eight
/// units for every degree they come in groups of eight, so that no register block of a product
/// has rows of two degrees.
inline std::vector<int> spread_degrees(int width, int lowest, int levels) {
  const int group = width >= 8 * levels ? 8 : 1;
  const int groups = (width + group - 1) / group;
  std::vector<int> degrees;
  degrees.reserve(static_cast<std::size_t>(width));
  for (int unit = 0; unit < width; ++unit)
    degrees.push_back(lowest + unit / group * levels / groups);
  return degrees;
}

/// round(linspace(first, last, width)) in single precision, from both ends, halves to even.
inline std::vector<int> rounded_linspace(int first, int last, int width) {
  const auto a = static_cast<float>(first), b = static_cast<float>(last);
  const float step = width > 1 ? (b - a) / static_cast<float>(width - 1) : 0.0f;
  std::vector<int> degrees;
  for (int i = 0; i < width; ++i) {
    const float v = i < width / 2 || width == 1 ? a + step * static_cast<float>(i)
                                                : b - step * static_cast<float>(width - 1 - i);
    degrees.push_back(static_cast<int>(std::nearbyint(v)));
  }
  return degrees;
}

} // namespace detail

/// Degrees of an autoregressive network over `variables` variables in rank order, of which
/// `together` neighbours share a degree: G degrees in all. Hidden degrees are 1 ... G - 1, from 0
/// if there is a context. Works for one variable and for few units.
inline degree_assignment autoregressive_degrees(int variables, int context,
                                                std::span<const int> widths, int together = 1) {
  const std::vector<int> ranks = detail::ranks_from_one(variables, together);
  degree_assignment a{context, ranks, {}, ranks};
  const int highest = ranks.back(), lowest = context > 0 || highest == 1 ? 0 : 1;
  for (int width : widths)
    a.hidden.push_back(detail::spread_degrees(width, lowest, highest - lowest));
  return a;
}

/// The degrees that Pyro's AutoRegressiveNN gives: round(linspace(1, D - 1, H)), with a context
/// round(linspace(1, D, H)) - 1.
inline degree_assignment linspace_degrees(int variables, int context, std::span<const int> widths) {
  degree_assignment a{
      context, detail::ranks_from_one(variables), {}, detail::ranks_from_one(variables)};
  for (int width : widths) {
    a.hidden.push_back(detail::rounded_linspace(1, context > 0 ? variables : variables - 1, width));
    if (context > 0)
      for (int& degree : a.hidden.back()) --degree;
  }
  return a;
}

/// Degrees of a coupling: every hidden unit sees all inputs, every output all units.
inline degree_assignment coupling_degrees(int inputs, int outputs, int context,
                                          std::span<const int> widths) {
  degree_assignment a{context,
                      std::vector<int>(static_cast<std::size_t>(inputs), 1),
                      {},
                      std::vector<int>(static_cast<std::size_t>(outputs), 2)};
  for (int width : widths) a.hidden.emplace_back(static_cast<std::size_t>(width), 1);
  return a;
}

} // namespace bijou::inline BIJOU_ISA

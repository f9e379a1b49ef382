#pragma once
/// \file
/// `given<C>`: makes a flow conditional on a context of C values.
///
/// Networks want inputs of order one. Where mean and scale of the context are known beforehand they
/// stand in the expression: `given<2>.standardise({180, 1e4}, {20, 5e3})`; from data they come with
/// standardise_context(q, context), or with fit on request.

#include <bijou/bijectors/elementwise/standardise.hpp>
#include <bijou/grammar/place.hpp>

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {
/// Numbers of a context that is taken as it comes.
struct no_numbers {};

template <class Numbers>
constexpr void check_context_numbers(const Numbers& mean, const Numbers& scale, std::size_t n) {
  if (mean.size() != n || scale.size() != n)
    throw std::invalid_argument("given<" + std::to_string(n) + ">.standardise: expected " +
                                std::to_string(n) + " means and scales, got " +
                                std::to_string(mean.size()) + " and " +
                                std::to_string(scale.size()));
  for (const double s : scale)
    if (!(s > 0) || s - s != 0)
      throw std::invalid_argument("given<C>.standardise: expected finite scales above 0, got " +
                                  std::to_string(s));
  for (const double m : mean)
    if (m - m != 0) throw std::invalid_argument("given<C>.standardise: expected finite means");
}
} // namespace detail

/// No map: every conditioner behind it sees the context. Right after the base, and once.
template <int C, class Numbers = detail::no_numbers> struct given_t {
  using bijou_tag = word_tag;
  static constexpr rule what = rule::context;
  static constexpr int size = 0;
  static constexpr bool invertible = false;
  static constexpr int context = C;
  /// Whether the expression says what the context's units are.
  static constexpr bool standardises = !std::is_same_v<Numbers, detail::no_numbers>;
  [[no_unique_address]] Numbers mean{}, scale{};

  template <int D> static constexpr misfit fits(const place<D>& p) {
    return p.words == 0 ? misfit::none : misfit::given;
  }
  template <int D> static constexpr place<D> after(place<D> p) {
    p.context = C;
    return p;
  }

  /// Networks see (c_k - mean_k) / scale_k for value k of the context.
  /// \throws std::invalid_argument (a compile error in a constexpr expression) unless means are
  /// finite and scales finite and above 0; what T cannot hold is refused when the flow is made
  template <std::size_t M, std::size_t S>
  constexpr auto standardise(const std::array<double, M>& m, const std::array<double, S>& s) const {
    constexpr bool as_many_as_values = M == C && S == C;
    static_assert(as_many_as_values, "bijou: given<C>.standardise(mean, scale) takes C means and C "
                                     "scales, one for each value of the context");
    if constexpr (as_many_as_values) {
      detail::check_context_numbers(m, s, C);
      return given_t<C, std::array<double, std::size_t{C}>>{m, s};
    } else {
      return *this;
    }
  }
  /// The same in braces: `.standardise({180, 1e4}, {20, 5e3})`.
  template <std::size_t M, std::size_t S>
  constexpr auto standardise(const double (&m)[M], const double (&s)[S]) const {
    if constexpr (M == C && S == C) { // not by way of the other: errors of constants stay short
      detail::check_context_numbers(std::to_array(m), std::to_array(s), C);
      return given_t<C, std::array<double, std::size_t{C}>>{std::to_array(m), std::to_array(s)};
    } else {
      return standardise(std::to_array(m), std::to_array(s));
    }
  }
  /// The same for numbers known at run time, C of each.
  auto standardise(const std::vector<double>& m, const std::vector<double>& s) const {
    detail::check_context_numbers(m, s, C);
    return given_t<C, std::vector<double>>{m, s};
  }

  std::string text() const {
    std::string s = "given<" + std::to_string(C) + ">";
    if constexpr (standardises)
      s += ".standardise(" + detail::numbers_text(mean) + ", " + detail::numbers_text(scale) + ")";
    return s;
  }
};

/// Conditions every word behind it on C values that come with each sample: `normal<4> | given<3>`.
template <int C>
  requires(C > 0)
inline constexpr given_t<C> given{};

} // namespace bijou::inline BIJOU_ISA

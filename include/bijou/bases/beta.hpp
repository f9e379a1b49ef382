#pragma once
/// \file
/// `beta<D>(a, b)`: D independent variables of the beta distribution with shapes a > 0 and b > 0,
/// on [0, 1].
///
///     log p(x) = (a - 1) log x + (b - 1) log(1 - x) - log B(a, b)
///     dlog p/dx = (a - 1)/x - (b - 1)/(1 - x)
///     B(a, b) = Gamma(a) Gamma(b) / Gamma(a + b)
///
/// Mean m = a / (a + b), variance m (1 - m) / (a + b + 1). Shapes of 1 are `uniform`. Where both
/// shapes are 8 or more the density is computed from u = (x - m)/m and v = (m - x)/(1 - m), with
/// terms that are as small as the result near the mode:
///
///     log p(x) = a (log(1 + u) - u) + b (log(1 + v) - v) - log x - log(1 - x) + constant
///
/// The ends belong to the support, where the density may be 0 or infinite: 0 and 1 count as the
/// numbers at half an epsilon from them (docs/bases.md).
///
/// Samples are g / (g + h) of two gamma variates, exact (random/gamma.hpp), from their logarithms:
/// small shapes, whose variates are beyond the numbers of the type, go to the right end. They are
/// from the smallest normal number to 1 - epsilon/2.
///
/// Source: Johnson, Kotz & Balakrishnan 1995, "Continuous Univariate Distributions", volume 2,
/// chapter 25.

#include <bijou/bases/independent.hpp>
#include <bijou/kernels/constexpr_gamma.hpp>
#include <bijou/random/gamma.hpp>
#include <bijou/transformers/option_text.hpp>

#include <limits>
#include <stdexcept>

namespace bijou::inline BIJOU_ISA {

class beta_law {
 public:
  static constexpr const char* name = "beta";
  static constexpr kind support = kind::unit;

  /// A flow that is yet to be assigned to has a base, too: the unit box.
  constexpr beta_law() : beta_law(1, 1) {}
  constexpr beta_law(double a, double b) : a_(a), b_(b) {
    for (const double shape : {a, b})
      if (!(shape > 0) || shape > std::numeric_limits<double>::max())
        throw std::invalid_argument("beta(a, b): expected finite shapes > 0, got " +
                                    detail::number_text(a) + " and " + detail::number_text(b));
    log_mean_ = log_share(a, b);
    log_rest_ = log_share(b, a);
    // a b / (a + b) is a times the share of b.
    log_scale_ = 0.5 * (detail::constexpr_log(a) + log_rest_) -
                 0.91893853320467274178 + // log(2 pi)/2
                 detail::stirling_remainder(a + b) - detail::stirling_remainder(a) -
                 detail::stirling_remainder(b);
    // What of Stirling's formula the terms in u and v have, and the textbook's have not.
    if (!is_large()) log_scale_ -= a * log_mean_ + b * log_rest_;
  }
  std::string options() const {
    return "(" + detail::number_text(a_) + ", " + detail::number_text(b_) + ")";
  }
  /// Throws std::invalid_argument where a T has too few numbers about the mean, or the density is
  /// too steep for it.
  template <class T> void check_options(const std::string& text) const {
    constexpr double most = sizeof(T) == 4 ? 0x1p24 : 0x1p52, least = sizeof(T) == 4 ? 1e-6 : 1e-15;
    for (const double shape : {a_, b_})
      if (shape > most || shape < least)
        detail::refuse_option<T>(text, "a shape is too far from 1", "choose shapes nearer to 1");
  }

  /// -inf outside: noise that is given to a flow is not compared with the support.
  template <class P> P log_shape(P given) const {
    using T = typename P::value_type;
    const P zero(T(0)), one(T(1)), a(static_cast<T>(a_)), b(static_cast<T>(b_));
    const P x = off_the_ends(given);
    const P log_x = math::log(x), log_rest = math::log1p(-x);
    P result;
    if (is_large()) {
      const P from_mean = x - P(static_cast<T>(a_ / (a_ + b_)));
      const P u = from_mean * P(static_cast<T>((a_ + b_) / a_));
      const P v = -from_mean * P(static_cast<T>((a_ + b_) / b_));
      result = fma(a, log_less_linear(u, log_x, static_cast<T>(log_mean_)),
                   b * log_less_linear(v, log_rest, static_cast<T>(log_rest_))) -
               (log_x + log_rest);
    } else {
      result = fma(P(static_cast<T>(a_ - 1)), log_x, P(static_cast<T>(b_ - 1)) * log_rest);
    }
    return select((given < zero) | (given > one), P(-std::numeric_limits<T>::infinity()), result);
  }
  constexpr double log_scale() const { return log_scale_; }
  template <class P> P score(P given) const {
    using T = typename P::value_type;
    const P x = off_the_ends(given);
    return P(static_cast<T>(a_ - 1)) / x - P(static_cast<T>(b_ - 1)) / (P(T(1)) - x);
  }

  template <class T>
  void fill_tile(const philox& noise, std::uint64_t first, int D, T* x, int stride, int n) const {
    detail::fill_tile_of_variates(noise, first, D, x, stride, n, numbers<T>(a_, b_));
  }
  template <class T>
  void fill_event(const philox& noise, std::uint64_t sample, std::span<T> x) const {
    detail::fill_event_of_variates(noise, sample, x, numbers<T>(a_, b_));
  }

 private:
  template <class T> class numbers {
   public:
    numbers(double a, double b) : of_a_(a, 0), of_b_(b, 1) {}
    template <class LanesOf>
    auto operator()(const detail::round_keys& keys, const LanesOf& lanes) const {
      using P = simd::pack<T>;
      auto x = of_a_.logarithms(keys, lanes);
      const auto other = of_b_.logarithms(keys, lanes);
      for (std::size_t k = 0; k < x.size(); ++k)
        x[k] = min(P(1 - std::numeric_limits<T>::epsilon() / 2),
                   max(P(std::numeric_limits<T>::min()), math::sigmoid(x[k] - other[k])));
      return x;
    }

   private:
    detail::gamma_numbers<T> of_a_, of_b_;
  };

  constexpr bool is_large() const { return a_ >= 8 && b_ >= 8; }
  /// log(a / (a + b)).
  static constexpr double log_share(double a, double b) {
    if (a > b) return -detail::constexpr_log1p(b / a);
    const double ratio = a / b; // which may underflow
    const double log_ratio = ratio > std::numeric_limits<double>::min()
                                 ? detail::constexpr_log(ratio)
                                 : detail::constexpr_log(a) - detail::constexpr_log(b);
    return log_ratio - detail::constexpr_log1p(ratio);
  }
  template <class P> static P off_the_ends(P x) {
    using T = typename P::value_type;
    constexpr T gap = std::numeric_limits<T>::epsilon() / 2;
    return select(x <= P(T(0)), P(gap), math::min(P(1 - gap), x));
  }
  /// log(1 + u) - u, where log(1 + u) = log_x - log_mean: so it is taken far from u = 0.
  template <class P> static P log_less_linear(P u, P log_x, typename P::value_type log_mean) {
    using T = typename P::value_type;
    const auto near = abs(u) < P(T(0.5));
    return select(near, math::log1p(select(near, u, P(T(0)))), log_x - P(log_mean)) - u;
  }

  double a_, b_, log_mean_, log_rest_, log_scale_;
};

/// D independent beta variables with shapes a and b.
/// \throws std::invalid_argument (a compile error in a constexpr expression) unless both shapes are
/// above 0, finite; make_flow throws it where they are so far from 1 that the type has too few
/// numbers for the density
template <int D>
  requires(D > 0)
constexpr auto beta(double a, double b) {
  return independent_t<beta_law, D>{beta_law(a, b)};
}

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// `gamma<D>(shape)`: D independent variables of the gamma distribution with shape a > 0 and rate
/// 1, on (0, inf).
///
///     log p(x) = (a - 1) log x - x - log Gamma(a)        dlog p/dx = (a - 1)/x - 1
///
/// Mean a, variance a. The shape 1 is `exponential`; 2 x of shape n/2 is chi-square with n degrees
/// of freedom. From a = 8 on the density is computed as
///
///     log p(x) = a (log r - (r - 1)) - log r - log(2 pi a)/2 - stirling_remainder(a),   r = x / a
///
/// whose terms are as small as the result near the mode: large shapes keep their digits.
///
/// Samples are exact (Marsaglia & Tsang 2000; random/gamma.hpp). Those below the type's smallest
/// normal number, which occur for shapes far below 1, become that number.

#include <bijou/bases/independent.hpp>
#include <bijou/kernels/constexpr_gamma.hpp>
#include <bijou/random/gamma.hpp>
#include <bijou/transformers/option_text.hpp>

#include <limits>
#include <stdexcept>

namespace bijou::inline BIJOU_ISA {

class gamma_law {
 public:
  static constexpr const char* name = "gamma";
  static constexpr kind support = kind::positive;

  /// A flow that is yet to be assigned to has a base, too: the exponential distribution.
  constexpr gamma_law() : gamma_law(1) {}
  constexpr explicit gamma_law(double shape) : shape_(shape) {
    if (!(shape > 0) || shape > std::numeric_limits<double>::max())
      throw std::invalid_argument("gamma(shape): expected a finite shape > 0, got " +
                                  detail::number_text(shape));
    log_shape_ = detail::constexpr_log(shape);
    // The constant of log Gamma(a), or of what is left of it in terms of r.
    const double rest = 0.91893853320467274178 + detail::stirling_remainder(shape); // log(2 pi) / 2
    log_scale_ = is_small() ? shape - (shape - 0.5) * log_shape_ - rest : -0.5 * log_shape_ - rest;
  }
  std::string options() const { return "(" + detail::number_text(shape_) + ")"; }
  /// Throws std::invalid_argument where x / a or a / x would leave a T's range in the middle of the
  /// distribution.
  template <class T> void check_options(const std::string& text) const {
    constexpr double most = sizeof(T) == 4 ? 0x1p60 : 0x1p500;
    if (shape_ > most || shape_ < 1 / most)
      detail::refuse_option<T>(text, "the shape is too far from 1", "choose one nearer to 1");
  }

  /// -inf at 0 and below: noise that is given to a flow is not compared with the support.
  template <class P> P log_shape(P x) const {
    using T = typename P::value_type;
    using limits = std::numeric_limits<T>;
    const P a(static_cast<T>(shape_)), zero(T(0));
    // An infinite x counts as the largest number in logarithms, so that no infinities meet.
    const P bounded = math::min(P(limits::max()), x);
    P result;
    if (is_small()) {
      result = fma(P(static_cast<T>(shape_ - 1)), math::log(bounded), -x);
    } else {
      const P less_1 = (x - a) / a, r = bounded / a;
      const auto near = abs(less_1) < P(T(0.5)), whole = r >= P(limits::min());
      const P far =
          math::log(select(whole, r, bounded)) - select(whole, zero, P(static_cast<T>(log_shape_)));
      const P log_r = select(near, math::log1p(select(near, less_1, zero)), far);
      result = fma(a, log_r - less_1, -log_r);
    }
    return select(x <= zero, P(-limits::infinity()), result);
  }
  constexpr double log_scale() const { return log_scale_; }
  template <class P> P score(P x) const {
    using T = typename P::value_type;
    return (P(static_cast<T>(shape_ - 1)) - x) / x;
  }

  template <class T>
  void fill_tile(const philox& noise, std::uint64_t first, int D, T* x, int stride, int n) const {
    detail::fill_tile_of_variates(noise, first, D, x, stride, n, detail::gamma_numbers<T>(shape_));
  }
  template <class T>
  void fill_event(const philox& noise, std::uint64_t sample, std::span<T> x) const {
    detail::fill_event_of_variates(noise, sample, x, detail::gamma_numbers<T>(shape_));
  }

 private:
  /// Where the terms of the textbook's formula are not much larger than the result.
  constexpr bool is_small() const { return shape_ < 8; }

  double shape_, log_shape_, log_scale_;
};

/// D independent gamma variables of a shape, rate 1.
/// \throws std::invalid_argument (a compile error in a constexpr expression) unless 0 < shape,
/// finite; make_flow throws it where the shape is so far from 1 that the density would lose its
/// range in the type
template <int D>
  requires(D > 0)
constexpr auto gamma(double shape) {
  return independent_t<gamma_law, D>{gamma_law(shape)};
}

} // namespace bijou::inline BIJOU_ISA

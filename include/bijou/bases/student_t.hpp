#pragma once
/// \file
/// `student_t<D>(nu)`: D independent variables of Student's t distribution with nu > 0 degrees of
/// freedom, location 0 and scale 1.
///
///     log p(x) = log Gamma((nu + 1)/2) - log Gamma(nu/2) - log(nu pi)/2
///                - (nu + 1)/2 log(1 + x^2/nu)
///     dlog p/dx = -(nu + 1) x / (nu + x^2)
///
/// The smaller nu, the heavier the tails: |x|^-(nu + 1). nu = 1 is `cauchy`, nu to infinity
/// `normal`. The mean is 0 where nu > 1, the variance nu / (nu - 2) where nu > 2. The density is
/// right for all finite numbers, also where x^2 is beyond them.
///
/// Samples are exact for any nu, without rejection: of two uniform numbers u and v
///
///     x = sqrt(nu (u^(-2/nu) - 1)) cos(2 pi v)
///
/// (Bailey 1994, "Polar generation of random variates with the t-distribution", Mathematics of
/// Computation 62, theorem 1, with an angle in place of the point in a disk.) The sine would give a
/// second variable, but one that knows of the first: it is not drawn. Numbers beyond the type's
/// range, which occur for nu far below 1, become its largest.

#include <bijou/bases/cauchy.hpp>
#include <bijou/kernels/constexpr_gamma.hpp>
#include <bijou/random/normal.hpp>
#include <bijou/transformers/option_text.hpp>

#include <limits>
#include <stdexcept>

namespace bijou::inline BIJOU_ISA {

class student_t_law {
 public:
  static constexpr const char* name = "student_t";
  static constexpr kind support = kind::line;

  /// A flow that is yet to be assigned to has a base, too: Cauchy's distribution.
  constexpr student_t_law() : student_t_law(1) {}
  constexpr explicit student_t_law(double nu) : nu_(nu) {
    // Half of the least subnormal number is 0.
    if (!(nu / 2 > 0) || nu > std::numeric_limits<double>::max())
      throw std::invalid_argument("student_t(nu): expected finite degrees of freedom > 0, got " +
                                  detail::number_text(nu));
    root_ = detail::constexpr_sqrt(nu);
    log_root_ = 0.5 * detail::constexpr_log(nu);
    // log(nu / 2) / 2 of the gamma functions cancels with that of log(nu pi) / 2.
    log_scale_ = detail::log_gamma_half_step(nu / 2) - 0.91893853320467274178; // log(2 pi) / 2
  }
  std::string options() const { return "(" + detail::number_text(nu_) + ")"; }
  /// Throws std::invalid_argument where x^2/nu or its inverse would leave a T's range in the middle
  /// of the distribution.
  template <class T> void check_options(const std::string& text) const {
    constexpr double most = sizeof(T) == 4 ? 0x1p100 : 0x1p900;
    if (nu_ > most || nu_ < 1 / most)
      detail::refuse_option<T>(text, "the degrees of freedom are too far from 1",
                               "take normal<D> for a large nu, a larger nu for a small one");
  }

  template <class P> P log_shape(P x) const {
    using T = typename P::value_type;
    return P(static_cast<T>(-0.5 * (nu_ + 1))) * detail::log_one_plus_square(x / root<P>());
  }
  constexpr double log_scale() const { return log_scale_; }
  /// With z = x / sqrt(nu), as -(nu + 1) / sqrt(nu) / (z + 1/z).
  template <class P> P score(P x) const {
    using T = typename P::value_type;
    const P z = x / root<P>();
    return P(static_cast<T>(-(nu_ + 1) / root_)) / (z + P(T(1)) / z);
  }

  template <class T>
  void fill_tile(const philox& noise, std::uint64_t first, int D, T* x, int stride, int n) const {
    detail::fill_tile_of_pairs(noise, domain::draws, first, D, x, stride, n, numbers{*this});
  }
  template <class T>
  void fill_event(const philox& noise, std::uint64_t sample, std::span<T> x) const {
    detail::fill_event_of_pairs(noise, domain::draws, sample, x, numbers{*this});
  }

 private:
  /// One number from two words.
  struct numbers {
    const student_t_law& law;
    template <class B> BIJOU_INLINE auto operator()(B a, B b) const {
      using normals = detail::normal_numbers;
      const auto log_u = normals::log_uniform(a);
      using P = std::remove_const_t<decltype(log_u)>;
      using T = typename P::value_type;
      // y = log u^(-2/nu). Where e^y may overflow the 1 does not count: the root is e^(y/2).
      const P half = log_u * P(static_cast<T>(-1 / law.nu_)), y = half + half;
      const auto is_far = y > P(T(60));
      const P near = sqrt(P(static_cast<T>(law.nu_)) * math::expm1(select(is_far, P(T(0)), y)));
      const P far = math::min(P(std::numeric_limits<T>::max()),
                              math::exp(half + P(static_cast<T>(law.log_root_))));
      return normals::components(select(is_far, far, near), b).first;
    }
  };
  template <class P> P root() const { return P(static_cast<typename P::value_type>(root_)); }

  double nu_, root_, log_root_, log_scale_;
};

/// D independent variables of Student's t distribution with nu degrees of freedom.
/// \throws std::invalid_argument (a compile error in a constexpr expression) unless 0 < nu, finite;
/// make_flow throws it where nu is so far from 1 that squares leave the type's range
template <int D>
  requires(D > 0)
constexpr auto student_t(double nu) {
  return independent_t<student_t_law, D>{student_t_law(nu)};
}

} // namespace bijou::inline BIJOU_ISA

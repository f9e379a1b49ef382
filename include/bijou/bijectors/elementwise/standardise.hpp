#pragma once
/// \file
/// `standardise(mean, scale)`: y_d = (x_d - mean_d) / scale_d with fixed numbers, log-det
/// -sum_d log|scale_d|. At the data end of a flow stands its inverse, which puts the data's mean
/// and scale back: `normal<2> | maf<64> | inverse(standardise(mean, scale))`.

#include <bijou/bijectors/elementwise.hpp>
#include <bijou/transformers/option_text.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

template <class Numbers> constexpr void check_scales(const Numbers& mean, const Numbers& scale) {
  if (mean.size() != scale.size())
    throw std::invalid_argument("standardise: expected as many scales as means, got " +
                                std::to_string(scale.size()) + " and " +
                                std::to_string(mean.size()));
  for (const double s : scale)
    if (!(s > 0 || s < 0) || s - s != 0)
      throw std::invalid_argument("standardise: expected finite scales other than 0, got " +
                                  std::to_string(s));
  for (const double m : mean)
    if (m - m != 0) throw std::invalid_argument("standardise: expected finite means");
}

/// The map with its constants: theta = (mean, scale, 1 / scale, -log|scale|).
template <class Numbers> struct standardise_op {
  using bijou_tag = transformer_tag;
  static constexpr int parameters = 0;
  static constexpr int constants = 4;
  static constexpr bool has_factor = false;
  Numbers mean{}, scale{};

  template <class T> void fill_constants(T* c, int n) const {
    if (mean.size() != static_cast<std::size_t>(n))
      throw std::invalid_argument("standardise: expected " + std::to_string(n) +
                                  " means and scales, got " + std::to_string(mean.size()));
    for (int d = 0; d < n; ++d) {
      const auto i = static_cast<std::size_t>(d);
      c[d] = static_cast<T>(mean[i]);
      c[n + d] = static_cast<T>(scale[i]);
      c[2 * n + d] = static_cast<T>(1 / scale[i]);
      c[3 * n + d] = static_cast<T>(-std::log(std::abs(scale[i])));
    }
  }
  template <class P, class Theta> mapped<P> forward(P x, const Theta& theta) const {
    return {(x - theta[0]) / theta[1], theta[3]};
  }
  template <class P, class Theta> mapped<P> inverse(P y, const Theta& theta) const {
    return {fma(y, theta[1], theta[0]), theta[3]};
  }
  template <class P, class Theta> slopes<P> slope(P, const Theta& theta) const {
    return {theta[2], P(0)};
  }
  template <class P, class Theta, class Sink>
  P pull_back(P, const Theta& theta, P gy, P, Sink&&) const {
    return gy * theta[2];
  }
  template <class P, class Theta, class Sink>
  P pull_back_inverse(P, P, const Theta& theta, P gx, P, Sink&&) const {
    return gx * theta[1];
  }
};

} // namespace detail

/// Fixed shift and scale of each variable; Numbers is std::array (length checked by the compiler)
/// or std::vector (checked when the flow is made).
template <class Numbers, int N> struct standardise_t {
  using bijou_tag = word_tag;
  using op_type = detail::standardise_op<Numbers>;
  static constexpr rule what = rule::elementwise;
  static constexpr int size = N;
  static constexpr bool invertible = true;
  static constexpr kind domain = kind::line;
  static constexpr kind image = kind::line;
  Numbers mean, scale;

  template <int D> static constexpr misfit fits(const place<D>& p) {
    if (N != 0 && N != D) return misfit::size;
    return p.is_all(kind::line) ? misfit::none : misfit::support;
  }
  template <int D> static constexpr place<D> after(const place<D>& p) { return p; }
  template <int D> static constexpr misfit fits_back(const place<D>& p) { return fits(p); }
  template <int D> static constexpr place<D> before(const place<D>& p) { return p; }
  static constexpr bool selects(int) { return true; }
  constexpr op_type op() const { return {mean, scale}; }
  /// Throws std::invalid_argument if in numbers of type T a scale is none, or moves no mean.
  template <class T> void check_options() const {
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const auto held = [](const char* name, double v) {
        detail::require_normal<T>(v, "standardise", name + detail::number_text(v),
                                  "scale the data");
      };
      held("the scale ", scale[i]);
      if (std::abs(mean[i]) > 1) held("the mean ", mean[i]); // what is too small is 0
      const T m = static_cast<T>(mean[i]), s = static_cast<T>(scale[i]);
      if (m + s == m || m - s == m)
        detail::refuse_option<T>("standardise",
                                 "a step of the scale " + detail::number_text(scale[i]) +
                                     " from the mean " + detail::number_text(mean[i]) +
                                     " leads to the same number",
                                 "shift the data");
    }
  }
  std::string text() const {
    return "standardise(" + detail::numbers_text(mean) + ", " + detail::numbers_text(scale) + ")";
  }
};

/// y_d = (x_d - mean_d) / scale_d. \throws std::invalid_argument if a scale is 0 or not finite
template <std::size_t N>
constexpr auto standardise(const std::array<double, N>& mean, const std::array<double, N>& scale) {
  detail::check_scales(mean, scale);
  return standardise_t<std::array<double, N>, static_cast<int>(N)>{mean, scale};
}
inline auto standardise(const std::vector<double>& mean, const std::vector<double>& scale) {
  detail::check_scales(mean, scale);
  return standardise_t<std::vector<double>, 0>{mean, scale};
}

} // namespace bijou::inline BIJOU_ISA

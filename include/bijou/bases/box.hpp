#pragma once
/// \file
/// `box<D>(low, high)`: uniform on a box whose variables have ends of their own.
///
///     log p(x) = -sum_d log(high_d - low_d) where low_d <= x_d <= high_d for all d
///
/// The score is 0. Ends are rounded to numbers of the flow's type, and the volume is that of the
/// rounded box. Samples are low + (high - low) u, u uniform (random/uniform.hpp): inside, where the
/// ends occur only if they are so near to each other that rounding leads there. Words that learn
/// live on the line: `box<1>(0, 180) | inverse(interval_map(0, 180))` goes there.

#include <bijou/grammar/pipe.hpp>
#include <bijou/kernels/constexpr_log.hpp>
#include <bijou/kernels/simd.hpp>
#include <bijou/random/uniform.hpp>
#include <bijou/transformers/option_text.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace bijou::inline BIJOU_ISA {

template <int D> class box_t {
 public:
  using bijou_tag = base_tag;
  using ends = std::array<double, static_cast<std::size_t>(D)>;
  static constexpr auto at = place<D>::all(kind::interval);

  /// A flow that is yet to be assigned to has a base, too: the unit box.
  constexpr box_t() { high_.fill(1); }
  /// Throws std::invalid_argument unless low < high, and the distance is finite.
  constexpr box_t(const ends& low, const ends& high) : low_(low), high_(high) {
    for (std::size_t d = 0; d < low.size(); ++d)
      if (!(low[d] < high[d]) || !(high[d] - low[d] <= std::numeric_limits<double>::max()))
        throw std::invalid_argument(
            "box: expected finite ends, low < high, got low " + detail::number_text(low[d]) +
            " and high " + detail::number_text(high[d]) + " of variable " + std::to_string(d));
    log_volume_float_ = log_volume<float>();
    log_volume_double_ = log_volume<double>();
  }
  std::string text() const {
    return "box<" + std::to_string(D) + ">(" + detail::numbers_text(low_) + ", " +
           detail::numbers_text(high_) + ")";
  }
  /// Throws std::invalid_argument where numbers of type T cannot tell the ends apart, or hold no
  /// distance as large.
  template <class T> void check_options() const {
    for (std::size_t d = 0; d < low_.size(); ++d)
      if (!has_width<T>(d))
        detail::refuse_option<T>(text(), "variable " + std::to_string(d) + " has no finite width",
                                 "move the ends, or measure in other units");
  }
  /// The ends of variable d.
  constexpr std::pair<double, double> interval(int d) const {
    return {low_[static_cast<std::size_t>(d)], high_[static_cast<std::size_t>(d)]};
  }
  /// The box of the first K variables.
  template <int K> constexpr box_t<K> first() const {
    typename box_t<K>::ends low{}, high{};
    std::copy_n(low_.begin(), K, low.begin());
    std::copy_n(high_.begin(), K, high.begin());
    return {low, high};
  }

  /// -inf outside, since noise that is given to a flow is not compared with the support; NaN where
  /// a coordinate is NaN.
  template <class T> simd::pack<T> log_prob(const T* x, int stride) const {
    using P = simd::pack<T>;
    P log_p(static_cast<T>(-(sizeof(T) == 4 ? log_volume_float_ : log_volume_double_)));
    for (int d = 0; d < D; ++d) {
      const P v = P::load(x + d * stride);
      const auto outside = (v < P(low<T>(d))) | (v > P(high<T>(d)));
      log_p = select(isnan(v), v, select(outside, P(-std::numeric_limits<T>::infinity()), log_p));
    }
    return log_p;
  }
  template <class T> simd::pack<T> score(simd::pack<T>, int /*d*/) const { return {T(0)}; }

  /// Noise of the samples first .. first + n - 1, a row for each variable.
  template <class T>
  void fill(const philox& stream, std::uint64_t first, T* x, int stride, int n) const {
    using P = simd::pack<T>;
    fill_uniform(stream, first, D, x, stride, n);
    for (int d = 0; d < D; ++d)
      for (int t = 0; t < n; t += P::size) {
        T* const from = x + d * stride + t;
        std::array<T, P::batch::size> some{};
        std::copy_n(from, std::min(P::size, n - t), some.data());
        detail::store_lanes(scaled(P::load(some.data()), d), from, n - t);
      }
  }
  /// The same for one sample, contiguous.
  template <class T> void fill(const philox& stream, std::uint64_t first, T* x) const {
    fill_uniform(stream, first, std::span<T>(x, static_cast<std::size_t>(D)));
    for (int d = 0; d < D; ++d) x[d] = scaled(simd::pack<T>(x[d]), d).first();
  }

 private:
  template <class T> constexpr T low(int d) const {
    return static_cast<T>(low_[static_cast<std::size_t>(d)]);
  }
  template <class T> constexpr T high(int d) const {
    return static_cast<T>(high_[static_cast<std::size_t>(d)]);
  }
  /// From the unit interval to that of variable d.
  template <class T> simd::pack<T> scaled(simd::pack<T> x, int d) const {
    using P = simd::pack<T>;
    const P a(low<T>(d)), b(high<T>(d));
    return min(b, max(a, fma(b - a, x, a)));
  }
  /// Whether numbers of type T hold both ends and their distance.
  template <class T> constexpr bool has_width(std::size_t d) const {
    constexpr double most = std::numeric_limits<T>::max();
    const double a = low_[d], b = high_[d];
    // Rounding to a T is undefined beyond its range.
    if (!(a >= -most && b <= most && b - a <= most)) return false;
    return static_cast<T>(a) < static_cast<T>(b);
  }
  template <class T> constexpr double log_volume() const {
    double sum = 0;
    for (std::size_t d = 0; d < low_.size(); ++d)
      if (has_width<T>(d))
        sum += detail::constexpr_log(static_cast<double>(static_cast<T>(high_[d])) -
                                     static_cast<double>(static_cast<T>(low_[d])));
    return sum;
  }

  ends low_{}, high_{};
  double log_volume_float_ = 0, log_volume_double_ = 0;
};

/// Uniform on the box with corners low and high: box<2>({0, -1}, {1, 3}).
/// \throws std::invalid_argument (a compile error in a constexpr expression) unless low < high for
/// each variable, with a finite distance; make_flow<float> throws it where float cannot tell the
/// ends apart
template <int D>
  requires(D > 0)
constexpr box_t<D> box(const typename box_t<D>::ends& low, const typename box_t<D>::ends& high) {
  return {low, high};
}
/// The same ends for all variables.
template <int D>
  requires(D > 0)
constexpr box_t<D> box(double low, double high) {
  typename box_t<D>::ends lows{}, highs{};
  lows.fill(low);
  highs.fill(high);
  return {lows, highs};
}

} // namespace bijou::inline BIJOU_ISA

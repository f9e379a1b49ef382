#pragma once
/// \file
/// The units of a context: a mean and a scale for each of its values, taken out before any network
/// sees them.
///
/// A first layer begins with weights made for inputs of order one. Inputs of another order saturate
/// its units, or drown in them, and training does not find the way back. The numbers are no
/// parameters: nothing trains them. They belong to the flow, and go where its parameters go.

#include <bijou/kernels/simd.hpp>
#include <bijou/transformers/option_text.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

/// What is taken out of the contexts of a tile; nothing, if there are no numbers.
template <class T> struct context_units {
  std::span<const T> mean, inverse_scale;

  /// Standardises a row of L lanes for each value, the first `lanes` of them in use.
  template <int L> void apply(T* rows, int lanes) const {
    using pack = simd::pack<T>;
    for (std::size_t k = 0; k < mean.size(); ++k) {
      const pack center(mean[k]), factor(inverse_scale[k]);
      T* row = rows + k * static_cast<std::size_t>(L);
      for (int i = 0; i < lanes; i += pack::size)
        ((pack::load(row + i) - center) * factor).store(row + i);
    }
  }
  /// Cotangents of such rows become those of the contexts as they were given.
  template <int L> void pull_back(T* rows, int lanes) const {
    using pack = simd::pack<T>;
    for (std::size_t k = 0; k < mean.size(); ++k) {
      const pack factor(inverse_scale[k]);
      T* row = rows + k * static_cast<std::size_t>(L);
      for (int i = 0; i < lanes; i += pack::size) (pack::load(row + i) * factor).store(row + i);
    }
  }
};

/// (c_k - mean_k) / scale_k for each value k of a context of C, computed in T as
/// (c_k - mean_k) * (1 / scale_k): a division would cost small networks several per cent. A flow
/// that has these numbers gives the bits of one that has none and is given such contexts.
template <class T, int C> class context_standardisation {
 public:
  /// Whether there are numbers. If not, contexts stay as they are.
  bool given() const { return given_; }
  /// C means and C scales: 0 and 1 where none were given.
  std::span<const T> mean() const { return mean_; }
  std::span<const T> scale() const { return scale_; }

  /// \throws std::invalid_argument, beginning with `who`, unless there are C finite means and C
  /// finite scales above 0, and the values one scale away from the mean are others in type T
  template <class Number>
  void set(const std::string& who, std::span<const Number> mean, std::span<const Number> scale) {
    check_count(who, "means", mean.size());
    check_count(who, "scales", scale.size());
    context_standardisation changed;
    for (std::size_t k = 0; k < mean.size(); ++k) {
      const auto m = static_cast<double>(mean[k]);
      const auto s = static_cast<double>(scale[k]);
      check_value(who, k, m, s);
      changed.mean_[k] = static_cast<T>(m);
      changed.scale_[k] = static_cast<T>(s);
      changed.inverse_scale_[k] = T(1) / changed.scale_[k];
    }
    changed.given_ = true;
    *this = changed;
  }

  /// Standardises one context of C values in place.
  void apply(T* values) const {
    if (!given_) return;
    for (std::size_t k = 0; k < size; ++k) values[k] = (values[k] - mean_[k]) * inverse_scale_[k];
  }
  /// The same numbers, for tiles.
  context_units<T> units() const {
    return given_ ? context_units<T>{mean_, inverse_scale_} : context_units<T>{};
  }

  /// Whether all numbers are equal but for their rounding to float.
  bool is_near(const context_standardisation& other) const {
    constexpr double eps = 1e-6;
    const auto differ = [](T a, T b, double magnitude) {
      return !(std::abs(static_cast<double>(a) - static_cast<double>(b)) <= eps * magnitude);
    };
    for (std::size_t k = 0; k < size; ++k) {
      const auto scale = static_cast<double>(scale_[k]);
      if (differ(scale_[k], other.scale_[k], scale) ||
          differ(mean_[k], other.mean_[k], std::abs(static_cast<double>(mean_[k])) + scale))
        return false;
    }
    return given_ == other.given_;
  }

  /// All numbers, exactly, for comparison; empty without any.
  std::string text() const {
    std::string s;
    for (std::size_t k = 0; given_ && k < mean_.size(); ++k)
      s += (k ? ", " : "") + detail::number_text(static_cast<double>(mean_[k])) + " +- " +
           detail::number_text(static_cast<double>(scale_[k]));
    return s;
  }

 private:
  static constexpr auto size = static_cast<std::size_t>(C);
  static constexpr std::array<T, size> all(T v) {
    std::array<T, size> a{};
    a.fill(v);
    return a;
  }

  static void check_count(const std::string& who, const char* what, std::size_t count) {
    if (count != size)
      throw std::invalid_argument(who + ": expected " + std::to_string(C) + " " + what +
                                  ", one for each value of the context, got " +
                                  std::to_string(count));
  }
  static void check_value(const std::string& who, std::size_t k, double mean, double scale) {
    if (mean - mean != 0 || !(scale > 0) || scale - scale != 0)
      throw std::invalid_argument(who +
                                  ": expected a finite mean and a finite scale above 0, got " +
                                  detail::number_text(mean) + " and " + detail::number_text(scale) +
                                  " for value " + std::to_string(k) + " of the context");
    constexpr bool is_float = std::is_same_v<T, float>;
    const auto refuse = [&](const std::string& why) {
      throw std::invalid_argument(
          who + ": in " + (is_float ? "float" : "double") + ", mean " + detail::number_text(mean) +
          " and scale " + detail::number_text(scale) + " of value " + std::to_string(k) +
          " of the context " + why + ": " + (is_float ? "use make_flow<double>, or " : "") +
          "shift and scale the data");
    };
    constexpr auto largest = static_cast<double>(std::numeric_limits<T>::max());
    constexpr auto smallest = static_cast<double>(std::numeric_limits<T>::min());
    if (scale < smallest || scale > 1 / smallest || mean + scale > largest ||
        mean - scale < -largest)
      refuse("are out of range");
    const T m = static_cast<T>(mean), s = static_cast<T>(scale);
    const T above = m + s, below = m - s;
    if (!(below < m && m < above)) refuse("leave no number between the mean and one scale from it");
    if (above > std::numeric_limits<T>::max() || below < -std::numeric_limits<T>::max())
      refuse("are out of range");
  }

  std::array<T, size> mean_ = all(0), scale_ = all(1), inverse_scale_ = all(1);
  bool given_ = false;
};

/// Of a flow without a context: nothing.
template <class T> class context_standardisation<T, 0> {
 public:
  static constexpr bool given() { return false; }
  static void apply(T*) {}
  static context_units<T> units() { return {}; }
  static std::string text() { return {}; }
};

} // namespace bijou::inline BIJOU_ISA

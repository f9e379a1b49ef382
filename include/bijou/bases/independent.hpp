#pragma once
/// \file
/// `independent_t<Law, D>`: D independent variables that follow one law, as a base.
///
/// A law is a distribution of one number, with these members. Its options are its data; what needs
/// none of them may be static.
///
///     name             how expressions write it
///     support          the kind of its support
///     log_shape(x)     the logarithm of the density up to a constant, of a pack
///     log_scale()      that constant, nats: log p(x) = log_shape(x) + log_scale()
///     score(x)         the derivative of log_shape
///     number(w)        of a law without options: a number that follows it, from one random word
///     options()        of a law with options: their text, "(3)"
///     fill_tile(...)   of a law with options: its numbers, in place of number(w): see
///     student_t.hpp fill_event(...)
///
/// A number is a function of its word by the inverse of the distribution function, up to the order
/// of outcomes. A word has more bits than a number of its type near 1 can tell apart: laws start
/// from tail_unit (random/words.hpp), which has all digits near 0, and put 0 where their tail is.
/// Those with two tails take the last bit to choose one.

#include <bijou/grammar/pipe.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/random/words.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// The numbers of a law without options, for fill_tile and fill_event of random/words.hpp.
template <class Law> struct law_numbers {
  template <class B> static BIJOU_INLINE auto two(B a, B b) {
    return std::array{Law::number(a), Law::number(b)};
  }
  template <class B> static BIJOU_INLINE auto four(B a, B b, B c, B d) {
    return std::array{Law::number(a), Law::number(b), Law::number(c), Law::number(d)};
  }
};

/// The floating-point type as wide as the words of a register.
template <class B>
using number_as_wide = std::conditional_t<sizeof(typename B::value_type) == 4, float, double>;

} // namespace detail

/// log p(x) = sum_d log_shape(x_d) + D log_scale, nats: d ascending. A NaN coordinate gives NaN.
template <class Law, int D> struct independent_t {
  using bijou_tag = base_tag;
  static constexpr auto at = place<D>::all(Law::support);

  [[no_unique_address]] Law law{};

  std::string text() const {
    std::string s = std::string(Law::name) + "<" + std::to_string(D) + ">";
    if constexpr (requires { law.options(); }) s += law.options();
    return s;
  }
  template <class T> void check_options() const {
    if constexpr (requires { law.template check_options<T>(text()); })
      law.template check_options<T>(text());
  }
  /// The same law for the first K variables.
  template <int K> constexpr independent_t<Law, K> first() const { return {law}; }

  /// log p of the lanes of a tile (rows `stride` apart), one pack of lanes.
  template <class T> simd::pack<T> log_prob(const T* x, int stride) const {
    using P = simd::pack<T>;
    P sum = law.log_shape(P::load(x));
    for (int d = 1; d < D; ++d) sum += law.log_shape(P::load(x + d * stride));
    return sum + P(static_cast<T>(D * law.log_scale()));
  }
  /// d log p / dx_d where variable d is x.
  template <class T> simd::pack<T> score(simd::pack<T> x, int /*d*/) const { return law.score(x); }

  /// Noise of the samples first .. first + n - 1, a row for each variable.
  template <class T>
  void fill(const philox& stream, std::uint64_t first, T* x, int stride, int n) const {
    if constexpr (requires { law.fill_tile(stream, first, D, x, stride, n); })
      law.fill_tile(stream, first, D, x, stride, n);
    else
      detail::fill_tile<detail::law_numbers<Law>>(stream, domain::draws, first, D, x, stride, n);
  }
  /// The same for one sample, contiguous.
  template <class T> void fill(const philox& stream, std::uint64_t first, T* x) const {
    const std::span<T> numbers(x, static_cast<std::size_t>(D));
    if constexpr (requires { law.fill_event(stream, first, numbers); })
      law.fill_event(stream, first, numbers);
    else
      detail::fill_event<detail::law_numbers<Law>>(stream, domain::draws, first, numbers);
  }
};

} // namespace bijou::inline BIJOU_ISA

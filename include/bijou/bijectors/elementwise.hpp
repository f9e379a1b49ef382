#pragma once
/// \file
/// Words that map each variable by itself: a user's own functions, and transformers with free
/// parameters.
///
/// `elementwise(f)` makes a word of any struct with three function templates
///
///     template <class X> X forward(X x) const;        // noise to data
///     template <class X> X inverse(X y) const;
///     template <class X> X log_abs_slope(X x) const;  // log|d forward / dx| at x, nats
///
/// that work for any X with arithmetic: SIMD packs and dual numbers over packs. Gradients come from
/// dual numbers. Write `using bijou::math::exp;` before `exp(x)`, or std::exp(x), which means the
/// same here, and `X(0.5)` for constants. A map between other sets than the line says so:
/// `static constexpr auto image = kind::positive;`. What it says holds after rounding too: results
/// are moved to the nearest number of the set.

#include <bijou/grammar/expression.hpp>
#include <bijou/kernels/dual.hpp>
#include <bijou/kernels/std_functions.hpp>
#include <bijou/transformers/transformer.hpp>

#include <array>
#include <limits>
#include <string>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

namespace detail {
template <class F> constexpr kind domain_of() {
  if constexpr (requires { F::domain; })
    return F::domain;
  else
    return kind::line;
}
template <class F> constexpr kind image_of() {
  if constexpr (requires { F::image; })
    return F::image;
  else
    return kind::line;
}

/// v moved to the nearest number of a set: e^x underflows to 0 and overflows to infinity, neither
/// of which is a positive number, and a flow must not draw what it scores -inf. A NaN stays.
template <kind K, class F, class P> BIJOU_INLINE P moved_into(const F& f, P v) {
  using T = typename math::scalar_of<P>::type;
  using limits = std::numeric_limits<T>;
  const auto clamped = [&](T low, T high) { return math::max(P(low), math::min(P(high), v)); };
  if constexpr (K == kind::positive)
    return clamped(limits::min(), limits::max());
  else if constexpr (K == kind::unit)
    return clamped(0, 1);
  else if constexpr (K == kind::symmetric)
    return clamped(-1 + limits::epsilon() / 2, 1 - limits::epsilon() / 2);
  else if constexpr (K == kind::interval)
    return clamped(static_cast<T>(f.low), static_cast<T>(f.high));
  else
    return v;
}

/// Where e^x overflows so does its slope, and an infinity times a cotangent of 0 would be NaN.
template <class P> BIJOU_INLINE P kept_finite(P v) {
  const P most(std::numeric_limits<typename P::value_type>::max());
  return math::max(-most, math::min(most, v));
}
} // namespace detail

/// A function struct in the clothes of a transformer without parameters.
template <class F> struct function_map {
  using bijou_tag = transformer_tag;
  static constexpr int parameters = 0;
  static constexpr bool has_factor = false;
  [[no_unique_address]] F f;

  template <class P, class Theta> mapped<P> forward(P x, const Theta&) const {
    return {detail::moved_into<detail::image_of<F>()>(f, f.forward(x)), f.log_abs_slope(x)};
  }
  template <class P, class Theta> mapped<P> inverse(P y, const Theta&) const {
    const P x = detail::moved_into<detail::domain_of<F>()>(f, f.inverse(y));
    return {x, f.log_abs_slope(x)};
  }
  template <class P, class Theta> slopes<P> slope(P x, const Theta&) const {
    if constexpr (requires { f.slope(x); }) {
      return f.slope(x);
    } else {
      const dual<P> seed{x, P(1)};
      return {f.forward(seed).derivative, f.log_abs_slope(seed).derivative};
    }
  }
  template <class P, class Theta, class Sink>
  P pull_back(P x, const Theta& theta, P gy, P gl, Sink&&) const {
    const slopes<P> s = slope(x, theta);
    return fma(gy, detail::kept_finite(s.slope), gl * detail::kept_finite(s.dlog));
  }
  /// Near the ends of an image the slope is next to nothing.
  template <class P, class Theta, class Sink>
  P pull_back_inverse(P x, P, const Theta& theta, P gx, P gl, Sink&&) const {
    const slopes<P> s = slope(x, theta);
    return detail::cotangent_quotient(fnma(gl, s.dlog, gx), s.slope);
  }
};

namespace detail {
/// Fixed numbers for each variable that an op wants beside its parameters.
template <class Op> constexpr int constants_of() {
  if constexpr (requires { Op::constants; })
    return Op::constants;
  else
    return 0;
}
} // namespace detail

/// A transformer turned round. Its parameters stay what they are.
template <class Tr> struct inverse_transformer {
  using bijou_tag = transformer_tag;
  static constexpr int parameters = Tr::parameters;
  static constexpr int constants = detail::constants_of<Tr>();
  static constexpr bool has_factor = false;
  [[no_unique_address]] Tr inner;

  template <class P> static P log_slope_of(const mapped<P>& m) {
    if constexpr (Tr::has_factor)
      return m.log_slope - math::log1p(m.factor);
    else
      return m.log_slope;
  }
  template <class P, class Theta> mapped<P> forward(P x, const Theta& theta) const {
    const mapped<P> m = inner.inverse(x, theta);
    return {m.value, -log_slope_of(m)};
  }
  template <class P, class Theta> mapped<P> inverse(P y, const Theta& theta) const {
    const mapped<P> m = inner.forward(y, theta);
    return {m.value, -log_slope_of(m)};
  }
  template <class P, class Theta, class Sink>
  P pull_back(P x, const Theta& theta, P gy, P gl, Sink&& gtheta) const {
    return detail::pull_back_inverse(inner, inner.inverse(x, theta).value, x, theta, gy, gl,
                                     gtheta);
  }
  /// The adjoint of the inner map forward: nothing is divided.
  template <class P, class Theta, class Sink>
  P pull_back_inverse(P, P y, const Theta& theta, P gx, P gl, Sink&& gtheta) const {
    return inner.pull_back(y, theta, gx, gl, gtheta);
  }
  template <class T>
  void identity(T* theta, int stride) const
    requires requires(T* p) { inner.identity(p, 1); }
  {
    inner.identity(theta, stride);
  }
  template <class T>
  void fill_constants(T* c, int n) const
    requires requires(T* p) { inner.fill_constants(p, 1); }
  {
    inner.fill_constants(c, n);
  }
};

/// A function struct as a word.
template <class F> struct elementwise_t {
  using bijou_tag = word_tag;
  using op_type = function_map<F>;
  static constexpr rule what = rule::elementwise;
  static constexpr int size = 0;
  static constexpr bool invertible = true;
  static constexpr kind domain = detail::domain_of<F>();
  static constexpr kind image = detail::image_of<F>();
  [[no_unique_address]] F function;

  template <int D> static constexpr misfit fits(const place<D>& p) {
    return p.is_all(domain) ? misfit::none : misfit::support;
  }
  template <int D> static constexpr place<D> after(const place<D>& p) { return p.with_all(image); }
  template <int D> static constexpr misfit fits_back(const place<D>& p) {
    return p.is_all(image) ? misfit::none : misfit::support;
  }
  template <int D> static constexpr place<D> before(const place<D>& p) {
    return p.with_all(domain);
  }
  static constexpr bool selects(int) { return true; }
  constexpr op_type op() const { return {function}; }
  std::string text() const { return text_or_name(function, "elementwise(...)"); }
};

/// A transformer with parameters of its own for each variable, shared by all samples.
template <transformer_item Tr> struct free_parameters {
  using bijou_tag = word_tag;
  using op_type = Tr;
  static constexpr rule what = rule::elementwise;
  static constexpr int size = 0;
  static constexpr bool invertible = true;
  static constexpr kind domain = Tr::support;
  static constexpr kind image = Tr::support;
  [[no_unique_address]] Tr transformer;

  template <int D> static constexpr misfit fits(const place<D>& p) {
    return p.is_all(domain) ? misfit::none : misfit::support;
  }
  template <int D> static constexpr place<D> after(const place<D>& p) { return p; }
  template <int D> static constexpr misfit fits_back(const place<D>& p) { return fits(p); }
  template <int D> static constexpr place<D> before(const place<D>& p) { return p; }
  static constexpr bool selects(int) { return true; }
  constexpr op_type op() const { return transformer; }
  std::string text() const { return transformer_text(transformer); }
};

/// How a transformer is written: its own text() with options, else its name.
template <class Tr> std::string transformer_text(const Tr& t) {
  if constexpr (requires { t.text(); })
    return t.text();
  else
    return Tr::name;
}

namespace detail {
template <class F>
concept elementwise_function = requires(const F& f, simd::pack<float> x) {
  f.forward(x);
  f.inverse(x);
  f.log_abs_slope(x);
};
} // namespace detail

/// Makes a word of a function struct: see the top of this file.
template <class F> constexpr auto elementwise(F f) {
  constexpr bool has_formulas = detail::elementwise_function<F>;
  static_assert(has_formulas,
                "bijou: elementwise(f) needs f.forward(x), f.inverse(y) and f.log_abs_slope(x) as "
                "const function templates of one argument");
  if constexpr (has_formulas) {
    // Instantiates the formulas with the types that evaluation and gradients use, so that a mistake
    // in them is reported here and not deep inside a flow. A lambda: one line less of context.
    using P = simd::pack<float>;
    [[maybe_unused]] const auto probe = [](const F& formulas, P x, dual<P> d) {
      x = formulas.inverse(formulas.forward(x)) + formulas.log_abs_slope(x);
      d = formulas.forward(d) + formulas.log_abs_slope(d);
    };
  }
  return elementwise_t<F>{f};
}

} // namespace bijou::inline BIJOU_ISA

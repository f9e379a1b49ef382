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
#include <bijou/transformers/function_map.hpp>
#include <bijou/transformers/inverse_transformer.hpp>
#include <bijou/transformers/transformer.hpp>

#include <string>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

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
  constexpr bool has_default = std::is_default_constructible_v<F>;
  static_assert(has_default, "bijou: elementwise(f): a flow makes its maps before it knows their "
                             "options: give the struct a default constructor");
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

#pragma once
/// \file
/// `numerically_inverted(word)`: gives a word without a closed inverse one that solves for it.
///
/// forward is the word's. inverse solves f(x) = y by scalar equations, which the word's own file
/// has (`planar`, `radial`, `sylvester`); its log-determinant is minus forward's at x, to the bit.
/// Gradients are those of the implicit function x(y, theta): with cotangents g_x and g_l,
///
///     lambda = J^-T (g_x - g_l dl/dx),   g_y = lambda,   g_theta = -lambda . df/dtheta - g_l
///     dl/dtheta,
///
/// l the log-determinant of the forward map f and J = df/dx, at x. g_theta is what the word's
/// forward adjoint gives for the cotangents -lambda and -g_l: no iteration is differentiated.
///
/// Of the word it asks `numerically_invertible` and, of its layer, besides bijectors/layer.hpp,
///
/// | member | what |
/// |---|---|
/// | `solve(t)`, `solve(e)` | data to noise, in place; the log-det is left alone |
/// | `solve_transposed(t, tape)` | cotangents g_x to lambda, in place; `tape` of forward at x |

#include <bijou/bijectors/layer.hpp>
#include <bijou/grammar/pipe.hpp>
#include <bijou/kernels/simd.hpp>

#include <algorithm>
#include <string>

namespace bijou::inline BIJOU_ISA {

/// A layer that solves for its inverse. Tape: the layer's. Cost of a sample: the solution, then the
/// layer forward; its adjoint solve_transposed, then the layer's forward adjoint.
template <class T, int L, int D, class Layer> struct numerically_inverted_layer : Layer {
  static constexpr int scratch_rows = D + 1 + Layer::scratch_rows;

  void inverse(const tile<T>& t) const { solve_rows(t); }
  void inverse(const tile<T>& t, T* tape) const { solve_rows(t, tape); }
  void inverse(const event_tile<T>& e) const {
    Layer::solve(e);
    T *const x = e.scratch, *const log_det = x + D;
    std::copy_n(e.x, D, x);
    *log_det = T(0);
    Layer::forward(event_tile<T>{e.theta, e.context, e.folded, x, log_det, log_det + 1});
    *e.log_det = (pack(*e.log_det) - pack(*log_det)).first();
  }

  void inverse_adjoint(const cotangent_tile<T>& t, T* tape) const {
    Layer::solve_transposed(t, tape);
    T *const g = t.scratch, *const g_log_det = g + D * L;
    for (int s = 0; s < t.lanes; s += pack::size) {
      for (int row = 0; row < D; ++row) (-pack::load(t.g + row * L + s)).store(g + row * L + s);
      (-pack::load(t.log_det + s)).store(g_log_det + s);
    }
    Layer::forward_adjoint(cotangent_tile<T>{t.theta, t.context, g, g_log_det, t.context_g,
                                             t.gradient, g_log_det + L, t.lanes},
                           tape);
  }

 private:
  using pack = simd::pack<T>;

  /// With a tape, keeps what the adjoint needs.
  template <class... Tape> void solve_rows(const tile<T>& t, Tape... tape) const {
    Layer::solve(t);
    T *const x = t.scratch, *const log_det = x + D * L;
    std::copy_n(t.x, D * L, x);
    std::fill_n(log_det, L, T(0));
    Layer::forward(tile<T>{t.theta, t.context, t.folded, x, log_det, log_det + L, t.lanes},
                   tape...);
    for (int s = 0; s < t.lanes; s += pack::size)
      (pack::load(t.log_det + s) - pack::load(log_det + s)).store(t.log_det + s);
  }
};

/// The word, made of one without a closed inverse.
template <word_item W> struct numerically_inverted_t {
  using bijou_tag = word_tag;
  static constexpr rule what = W::what;
  static constexpr int size = W::size;
  static constexpr bool invertible = true;
  [[no_unique_address]] W inner;

  // Domain and image are the line, for all words that can be solved.
  template <int D> static constexpr misfit fits(const place<D>& p) { return W::fits(p); }
  template <int D> static constexpr place<D> after(const place<D>& p) { return W::after(p); }
  template <int D> static constexpr misfit fits_back(const place<D>& p) { return W::fits(p); }
  template <int D> static constexpr place<D> before(const place<D>& p) { return W::after(p); }

  template <class T, int L, int D, int C>
  using layer = numerically_inverted_layer<T, L, D, typename W::template layer<T, L, D, C>>;
  template <class T, int L, int D, int C, class Position>
  layer<T, L, D, C> realise(const Position& position) const {
    return {inner.template realise<T, L, D, C>(position)};
  }
  std::string text() const { return "numerically_inverted(" + inner.text() + ")"; }
};

namespace detail {
template <word_item W> constexpr auto solved(const W& w) {
  constexpr bool has_equations = requires { requires W::numerically_invertible; };
  constexpr bool lacks_inverse = has_equations || !W::invertible;
  static_assert(lacks_inverse, "bijou: this word has a closed inverse; it needs no "
                               "numerically_inverted(word)");
  constexpr bool can_be_solved = has_equations || !lacks_inverse;
  static_assert(can_be_solved, "bijou: numerically_inverted(word) takes a word whose layer solves "
                               "for its noise: planar, radial, sylvester, or one of your own with "
                               "numerically_invertible");
  if constexpr (has_equations)
    return numerically_inverted_t<W>{w};
  else
    return refused_t{};
}
} // namespace detail

/// Gives planar, radial or sylvester an inverse, which log_prob, inverse and fit of given points
/// need: `normal<2> | numerically_inverted(planar) | numerically_inverted(planar)`.
template <grammar_item W> constexpr auto numerically_inverted(W w) {
  constexpr bool is_word = word_item<decltype(detail::as_word(w))>;
  static_assert(is_word, "bijou: numerically_inverted(word) takes one word: write it around each "
                         "word of a chain that needs it");
  if constexpr (is_word)
    return detail::solved(detail::as_word(w));
  else
    return detail::refused_t{};
}

} // namespace bijou::inline BIJOU_ISA

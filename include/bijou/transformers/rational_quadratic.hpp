#pragma once
/// \file
/// `rational_quadratic<K>`: a monotone spline of K bins, each the ratio of two quadratics.
///
/// | word | domain and image | boundary slopes | parameters |
/// |---|---|---|---|
/// | `rational_quadratic<K>` | line; identity outside [-B, B], B = 3 | 1 | 3K - 1 |
/// | `.bound(B)` | line | 1 | 3K - 1 |
/// | `.unit_box()` | [0, 1] | learned | 3K + 1 |
/// | `.unit_box().boundary_slope(1)` | [0, 1] | given | 3K - 1 |
///
/// theta = K width logits, K height logits, then the slopes' parameters u, knots ascending: the
/// K - 1 interior ones, or all K + 1 where the boundary slopes are learned.
///
///     widths, heights = softmax, raised to at least 1e-3 of the box
///     slopes d = 1e-3 + softplus(u + c), c such that u = 0 gives slope 1
///
/// In a bin of width w, height h, end slopes d0, d1, with s = h / w, t = (x - x_k) / w, q = t(1-t):
///
///     y     = y_k + h (s t^2 + d0 q) / den            den = s + (d0 + d1 - 2s) q
///     dy/dx = (s / den)^2 M                           M   = d1 t^2 + 2 s q + d0 (1-t)^2
///     dlog  = (M'/M - 2 den'/den) / w                 derivatives by t
///
/// Inverse: with v = (y - y_k) / h, z = d0 (1-v) - d1 v, b = z + 2 s v, the quadratic's
/// coefficients are s - b, b and -s v, and its discriminant z^2 + 4 s^2 v (1-v) is a sum of
/// squares: nothing cancels in it, and it cannot become negative. The root is 2 s v / (b + r) where
/// b > 0, else (r - b) / (2 (s - b)), r the discriminant's root: nothing cancels in these either.
///
/// theta = 0 is the identity. The input is clipped to the box before the bin search and the tail
/// selected afterwards, so that values outside reach no formula and no gradient. NaN gives NaN.
/// Points outside the unit box map to themselves: a base then finds them outside its support. Both
/// ends do too, whatever theta; from inside the unit box, rounding does not reach 1.
///
/// `.pyro()` is Pyro's Spline(order='quadratic') to the last quirk: boundary slope 0.999, 1e-6
/// added to the knots in the bin search, d = 1e-3 + softplus(u) (theta = 0 is not the identity).
/// Each quirk has an option of its own: boundary_slope, knot_epsilon, plain_slopes.
///
/// Source: Durkan et al. 2019 (1906.04032), section 3.1. Cost an element: 2K exponentials, two
/// softplus (only of the slopes that are used) and a logarithm, 3 to 5 divisions, 7 selects a bin.
/// In float, knots are known to about 1e-7 of the box: where a bin is narrow, the value is wrong by
/// that times the slope, and the log slope by that times dlog.

#include <bijou/kernels/math.hpp>
#include <bijou/transformers/spline_bins.hpp>
#include <bijou/transformers/transformer.hpp>

#include <limits>

namespace bijou::inline BIJOU_ISA {

template <int K, kind Support = kind::line, bool LearnedEdges = false,
          class Options = default_spline>
struct rational_quadratic_t
    : detail::spline_bins<rational_quadratic_t, K, Support, LearnedEdges, Options> {
  static_assert(K >= 2 && K < 1000, "bijou: rational_quadratic<K> needs 2 <= K < 1000 bins");
  static constexpr int parameters = LearnedEdges ? 3 * K + 1 : 3 * K - 1;
  static constexpr const char* name = "rational_quadratic";

  template <class P, class Theta> mapped<P> forward(P x, const Theta& theta) const {
    const shares<P> w(theta, 0), h(theta, K);
    const P at = this->into_box(x) * w.all;
    const bin<P> k = this->locate(w, h, at, theta, w);
    const P inverse_width = P(1) / k.width, inverse_height = P(1) / h.all;
    const P t = this->up_to_end((at - k.x) * inverse_width);
    const curve<P> c(t, k.height * inverse_width * (w.all * inverse_height), this->ends(k),
                     least_bend<P>());
    const P y = this->out_of_box(simd::fma(k.height, c.v, k.y) * inverse_height);
    return {simd::select(this->pinned(x), x, y),
            simd::select(this->outside(x), P(0), math::log(c.slope()))};
  }

  template <class P, class Theta> mapped<P> inverse(P y, const Theta& theta) const {
    const shares<P> w(theta, 0), h(theta, K);
    const P at = this->into_box(y) * h.all;
    const bin<P> k = this->locate(w, h, at, theta, h);
    const P v = this->up_to_end((at - k.y) / k.height);
    const P s = k.height * w.all / (k.width * h.all);
    const slope_pair<P> d = this->ends(k);
    const P rest = P(1) - v, sv = s * v, two_sv = sv + sv;
    const P z = simd::fnma(d.right, v, d.left * rest);
    const P b = z + two_sv;
    const P square = simd::fma(P(4) * s * rest, sv, z * z);
    const P r = simd::sqrt(simd::max(P(0), square)) + simd::abs(b);
    const auto up = b > P(0);
    const P t = simd::select(up, two_sv, r) / simd::select(up, r, P(2) * (s - b));
    const curve<P> c(t, s, d, least_bend<P>());
    const P x = this->out_of_box(simd::fma(k.width, t, k.x) / w.all);
    return {simd::select(this->pinned(y), y, x),
            simd::select(this->outside(y), P(0), math::log(c.slope()))};
  }

 private:
  using bins_of = detail::spline_bins<rational_quadratic_t, K, Support, LearnedEdges, Options>;
  template <class P> using shares = typename bins_of::template shares<P>;
  template <class P> using bin = typename bins_of::template bin<P>;
  template <class P> using slope_pair = typename bins_of::template slope_pair<P>;
  friend bins_of; // its adjoints ask for at_spot and pull_back_bins

  // The curve inside a bin, in the names of the page's head.
  template <class P> struct curve {
    P s, q, q_by_t, den_by_q, inverse_den, v, bracket;
    P t, rest, left, right;
    BIJOU_INLINE curve(P at, P ratio, slope_pair<P> d, P least_bracket)
        : s(ratio), t(at), rest(P(1) - at), left(d.left), right(d.right) {
      q = t * rest;
      q_by_t = rest - t;
      den_by_q = (left - s) + (right - s);
      // den >= s / 2 where 0 <= t <= 1; a search offset can carry t out of there.
      using T = typename P::value_type;
      inverse_den = P(1) / simd::max(s * P(T(0.25)), simd::fma(den_by_q, q, s));
      v = simd::fma(s * t, t, left * q) * inverse_den;
      bracket = simd::max(least_bracket,
                          simd::fma(right * t, t, simd::fma(s + s, q, left * rest * rest)));
    }
    BIJOU_INLINE P slope() const {
      const P r = s * inverse_den;
      return r * bracket * r; // in this order: r * r may underflow
    }
    BIJOU_INLINE P bracket_by_t() const {
      return P(2) * simd::fma(right, t, simd::fnma(left, rest, s * q_by_t));
    }
  };

  // Least bracket of a curve: it is positive inside a bin, but not where a search offset carries t.
  template <class P> BIJOU_INLINE P least_bend() const {
    using limits = std::numeric_limits<typename P::value_type>;
    return P(this->search_offset > 0 ? limits::epsilon() : limits::min());
  }

  // A point in its bin, with what adjoints need.
  template <class P> struct spot {
    bin<P> k;
    P t, per_width, inverse_height;
    curve<P> c;
    P inverse_bracket;
    P dlog; // d log slope / dx in units of the box
    BIJOU_INLINE P slope() const { return c.slope(); }
  };
  // The curve asks for no more parameters, and not for y: its pieces are the bins.
  template <class P, class... Unused>
  BIJOU_INLINE spot<P> at_spot(P at, const bin<P>& k, const shares<P>& w, const shares<P>& h,
                               const Unused&...) const {
    const P inverse_width = P(1) / k.width, inverse_height = P(1) / h.all;
    const P t = simd::max(P(0), this->up_to_end((at - k.x) * inverse_width));
    const P per_width = inverse_width * w.all;
    const curve<P> c(t, k.height * inverse_height * per_width, this->ends(k), least_bend<P>());
    const P inverse_bracket = P(1) / c.bracket;
    const P by_t =
        simd::fnma(P(2) * c.den_by_q * c.q_by_t, c.inverse_den, c.bracket_by_t() * inverse_bracket);
    return {k, t, per_width, inverse_height, c, inverse_bracket, by_t * per_width};
  }

  // Cotangents of theta from those of y, of the log slope and of x, all in units of the box:
  // y = y_k + h v, v = numerator / den; log slope = 2 log s + log bracket - 2 log den.
  template <class P, class Sink>
  BIJOU_INLINE void pull_back_bins(const spot<P>& p, const shares<P>& w, const shares<P>& h, P gy,
                                   P gl, P gx, Sink&& g_theta) const {
    const curve<P>& c = p.c;
    const bin<P>& k = p.k;
    const P gnum = gy * k.height * p.inverse_height * c.inverse_den;
    const P gden = simd::fnma(gnum, c.v, P(-2) * gl * c.inverse_den);
    const P gbracket = gl * p.inverse_bracket;
    const P gleft = simd::fma(gnum + gden, c.q, gbracket * c.rest * c.rest);
    const P gright = simd::fma(gden, c.q, gbracket * p.t * p.t);
    const P gs = simd::fma(
        P(2) * gbracket, c.q,
        simd::fma(gden, simd::fnma(P(2), c.q, P(1)), simd::fma(gnum * p.t, p.t, P(2) * gl / c.s)));
    // Only the bins up to this one move its left knot and its size.
    this->spread(g_theta, 0, w, k.index, -gx, -simd::fma(gs * c.s, p.per_width, gx * p.t),
                 k.widths_below, k.width_e);
    this->spread(g_theta, K, h, k.index, gy, simd::fma(gs, p.per_width, gy * c.v), k.heights_below,
                 k.height_e);
    this->spread_slopes(g_theta, k, gleft, gright);
  }
};

/// A rational quadratic spline of K bins on [-3, 3] with identity tails.
template <int K>
  requires(K >= 2 && K < 1000)
inline constexpr rational_quadratic_t<K> rational_quadratic{};

} // namespace bijou::inline BIJOU_ISA

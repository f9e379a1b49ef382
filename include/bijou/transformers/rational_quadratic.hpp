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
#include <bijou/transformers/option_text.hpp>
#include <bijou/transformers/transformer.hpp>

#include <limits>
#include <stdexcept>
#include <string>

namespace bijou::inline BIJOU_ISA {

struct default_spline {
  static constexpr double half_width = 3;                   ///< B of the form with tails
  static constexpr double edge_slope = 1;                   ///< where it is not learned
  static constexpr double search_offset = 0;                ///< added to knots in the search
  static constexpr double slope_offset = 0.539742417236952; ///< c = log(exp(1 - 1e-3) - 1)
};
struct set_spline {
  double half_width;
  double edge_slope;
  double search_offset;
  double slope_offset;
};

template <int K, kind Support = kind::line, bool LearnedEdges = false,
          class Options = default_spline>
struct rational_quadratic_t : Options {
  static_assert(K >= 2 && K < 1000, "bijou: rational_quadratic<K> needs 2 <= K < 1000 bins");
  using bijou_tag = transformer_tag;
  static constexpr int bins = K;
  static constexpr int parameters = LearnedEdges ? 3 * K + 1 : 3 * K - 1;
  static constexpr bool has_factor = false;
  static constexpr kind support = Support;
  static constexpr const char* name = "rational_quadratic";
  /// Least width and height of a bin as a share of the box, and least slope at a knot.
  static constexpr double least = 1e-3;

  /// Tails outside [-b, b]. Throws std::invalid_argument unless b is positive and finite.
  constexpr auto bound(double b) const
    requires(Support == kind::line)
  {
    require(b > 0 && b <= std::numeric_limits<double>::max(), "bound", "positive", b);
    set_spline o = options();
    o.half_width = b;
    return rational_quadratic_t<K, Support, LearnedEdges, set_spline>{o};
  }
  /// Domain and image [0, 1], boundary slopes learned.
  constexpr auto unit_box() const {
    return rational_quadratic_t<K, kind::unit, true, Options>{*this};
  }
  /// Boundary slopes fixed at s > 0.
  constexpr auto boundary_slope(double s) const {
    require(s > 0 && s <= std::numeric_limits<double>::max(), "boundary_slope", "positive", s);
    set_spline o = options();
    o.edge_slope = s;
    return rational_quadratic_t<K, Support, false, set_spline>{o};
  }
  /// Adds e to the knots in the bin search, as Pyro does.
  constexpr auto knot_epsilon(double e) const {
    require(e >= 0 && e <= std::numeric_limits<double>::max(), "knot_epsilon", "at least 0", e);
    set_spline o = options();
    o.search_offset = e;
    return rational_quadratic_t<K, Support, LearnedEdges, set_spline>{o};
  }
  /// Slopes 1e-3 + softplus(u) without the shift that makes theta = 0 the identity.
  constexpr auto plain_slopes() const {
    set_spline o = options();
    o.slope_offset = 0;
    return rational_quadratic_t<K, Support, LearnedEdges, set_spline>{o};
  }
  /// All quirks of Pyro's quadratic spline.
  constexpr auto pyro() const { return boundary_slope(0.999).knot_epsilon(1e-6).plain_slopes(); }

  /// As it could be written.
  std::string text() const {
    constexpr bool line = Support == kind::line;
    std::string t = std::string(name) + "<" + std::to_string(K) + ">";
    const auto add = [&](bool differs, const char* option, double v) {
      if (differs) t += std::string(".") + option + "(" + detail::number_text(v) + ")";
    };
    if (!line) t += ".unit_box()";
    add(line && this->half_width != default_spline::half_width, "bound", this->half_width);
    add(!LearnedEdges && (!line || this->edge_slope != default_spline::edge_slope),
        "boundary_slope", this->edge_slope);
    add(this->search_offset > 0, "knot_epsilon", this->search_offset);
    if (this->slope_offset != default_spline::slope_offset) t += ".plain_slopes()";
    return t;
  }

  /// Throws std::invalid_argument if numbers of type T do not hold the options, or what is computed
  /// from them: 1 / (2 B) and the squares of slopes.
  template <class T> void check_options() const {
    const auto held = [&](double v, const char* what, const char* remedy) {
      detail::require_normal<T>(v, text(), what + (" " + detail::number_text(v) + ","), remedy);
    };
    held(span(), "twice the bound,", "scale the data");
    held(1 / span(), "one over twice the bound,", "scale the data");
    if constexpr (!LearnedEdges)
      held(this->edge_slope * this->edge_slope, "the square of the boundary slope,",
           "choose one nearer to 1");
    if (this->search_offset > 0)
      held(this->search_offset / span(), "knot_epsilon over the width of the box,",
           "choose another");
  }

  template <class P, class Theta> mapped<P> forward(P x, const Theta& theta) const {
    const shares<P> w(theta, 0), h(theta, K);
    const P at = into_box(x) * w.all;
    const bin<P> k = locate(w, h, at - offset<P>() * w.all, theta, w);
    const P inverse_width = P(1) / k.width, inverse_height = P(1) / h.all;
    const P t = simd::min(top<P>(), (at - k.x) * inverse_width);
    const curve<P> c(t, k.height * inverse_width * (w.all * inverse_height), ends(k),
                     least_bend<P>());
    const P y = out_of_box(simd::fma(k.height, c.v, k.y) * inverse_height);
    return {simd::select(pinned(x), x, y), simd::select(outside(x), P(0), math::log(c.slope()))};
  }

  template <class P, class Theta> mapped<P> inverse(P y, const Theta& theta) const {
    const shares<P> w(theta, 0), h(theta, K);
    const P at = into_box(y) * h.all;
    const bin<P> k = locate(w, h, at - offset<P>() * h.all, theta, h);
    const P v = simd::min(top<P>(), (at - k.y) / k.height);
    const P s = k.height * w.all / (k.width * h.all);
    const slope_pair<P> d = ends(k);
    const P rest = P(1) - v, sv = s * v, two_sv = sv + sv;
    const P z = simd::fnma(d.right, v, d.left * rest);
    const P b = z + two_sv;
    const P square = simd::fma(P(4) * s * rest, sv, z * z);
    const P r = simd::sqrt(simd::max(P(0), square)) + simd::abs(b);
    const auto up = b > P(0);
    const P t = simd::select(up, two_sv, r) / simd::select(up, r, P(2) * (s - b));
    const curve<P> c(t, s, d, least_bend<P>());
    const P x = out_of_box(simd::fma(k.width, t, k.x) / w.all);
    return {simd::select(pinned(y), y, x), simd::select(outside(y), P(0), math::log(c.slope()))};
  }

  template <class P, class Theta> slopes<P> slope(P x, const Theta& theta) const {
    using T = typename P::value_type;
    const shares<P> w(theta, 0), h(theta, K);
    const P at = into_box(x) * w.all;
    const spot<P> p = at_spot(at, locate(w, h, at - offset<P>() * w.all, theta, w), w, h);
    const auto tail = outside(x);
    return {simd::select(tail, P(1), p.c.slope()),
            simd::select(tail, P(0), p.dlog * P(T(1 / span())))};
  }

  template <class P, class Theta, class Sink>
  P pull_back(P x, const Theta& theta, P gy, P gl, Sink&& g_theta) const {
    using T = typename P::value_type;
    const shares<P> w(theta, 0), h(theta, K);
    const P at = into_box(x) * w.all;
    const spot<P> p = at_spot(at, locate(w, h, at - offset<P>() * w.all, theta, w), w, h);
    const auto tail = outside(x);
    // In units of the box. Where an end lies does not depend on theta.
    const P gl_in = simd::select(tail, P(0), gl);
    const P gy_in = simd::select(pinned(x), P(0), gy * P(T(span())));
    const P slope = p.c.slope(), by_log = gl_in * p.dlog;
    pull_back_bins(p, w, h, gy_in, gl_in, simd::fma(gy_in, slope, by_log), g_theta);
    return simd::select(tail, gy, simd::fma(gy, slope, by_log * P(T(1 / span()))));
  }

  /// The adjoint of inverse, in the bin that inverse found: beside a knot, x = inverse(y) may have
  /// been rounded into the next, where the log slope falls instead of rising.
  template <class P, class Theta, class Sink>
  P pull_back_inverse(P x, P y, const Theta& theta, P gx, P gl, Sink&& g_theta) const {
    using T = typename P::value_type;
    const shares<P> w(theta, 0), h(theta, K);
    const P key = into_box(y) * h.all;
    const bin<P> k = locate(w, h, key - offset<P>() * h.all, theta, h);
    const spot<P> p = at_spot(into_box(x) * w.all, k, w, h);
    const auto tail = outside(y), end = pinned(y);
    const P gl_in = simd::select(tail, P(0), -gl);
    const P by_log = gl_in * p.dlog;
    const P gy = detail::cotangent_quotient(simd::fma(by_log, P(T(1 / span())), gx), p.c.slope());
    const P gy_in = simd::select(end, P(0), gy * P(T(-span())));
    pull_back_bins(p, w, h, gy_in, gl_in, simd::select(end, by_log, gx * P(T(-span()))), g_theta);
    return simd::select(tail, gx, gy);
  }

  template <class T> void identity(T* theta, int stride) const {
    for (int j = 0; j < 2 * K; ++j) theta[j * stride] = T(0);
    for (int j = 2 * K; j < parameters; ++j)
      theta[j * stride] = T(default_spline::slope_offset - this->slope_offset);
  }

 private:
  static constexpr void require(bool ok, const char* option, const char* expected, double got) {
    if (!ok)
      throw std::invalid_argument(std::string("rational_quadratic.") + option + ": expected " +
                                  expected + ", got " + detail::number_text(got));
  }
  constexpr set_spline options() const {
    return {this->half_width, this->edge_slope, this->search_offset, this->slope_offset};
  }

  // The box [-B, B] or [0, 1] as [0, 1].
  constexpr double span() const { return Support == kind::line ? 2 * this->half_width : 1; }
  template <class P> BIJOU_INLINE P into_box(P x) const {
    using T = typename P::value_type;
    if constexpr (Support == kind::line) x = simd::fma(x, P(T(1 / span())), P(T(0.5)));
    return simd::max(P(0), simd::min(P(1), x)); // bounds first: a NaN stays
  }
  // Rounding must not carry a point out of the box. From inside the unit box it does not reach 1
  // either: what has a pole there can be integrated, and a logit stays finite.
  template <class P> BIJOU_INLINE P out_of_box(P x) const {
    using T = typename P::value_type;
    constexpr bool line = Support == kind::line;
    x = simd::min(P(line ? T(1) : T(1) - std::numeric_limits<T>::epsilon() / 2), x);
    if constexpr (line) x = simd::fma(x, P(T(span())), P(T(-this->half_width)));
    return x;
  }
  template <class P> BIJOU_INLINE P low_end() const {
    return P(static_cast<typename P::value_type>(Support == kind::line ? -this->half_width : 0));
  }
  template <class P> BIJOU_INLINE P high_end() const {
    return P(static_cast<typename P::value_type>(Support == kind::line ? this->half_width : 1));
  }
  // Not so for a NaN, which therefore takes the spline's path and stays.
  template <class P> BIJOU_INLINE auto outside(P x) const {
    return (x < low_end<P>()) | (x > high_end<P>());
  }
  // Points that map to themselves: those outside, and both ends.
  template <class P> BIJOU_INLINE auto pinned(P x) const {
    return (x <= low_end<P>()) | (x >= high_end<P>());
  }
  template <class P> BIJOU_INLINE P offset() const {
    return P(static_cast<typename P::value_type>(this->search_offset / span()));
  }
  // Rounding may carry t or v past 1 in a narrow bin; a search offset may do so by design.
  template <class P> BIJOU_INLINE P top() const {
    using T = typename P::value_type;
    return P(this->search_offset > 0 ? std::numeric_limits<T>::max() : T(1));
  }
  // Least bracket of a curve: it is positive inside a bin, but not where a search offset carries t.
  template <class P> BIJOU_INLINE P least_bend() const {
    using limits = std::numeric_limits<typename P::value_type>;
    return P(this->search_offset > 0 ? limits::epsilon() : limits::min());
  }
  template <class P> BIJOU_INLINE P shift() const {
    return P(static_cast<typename P::value_type>(this->slope_offset));
  }

  // K logits as shares of the box. Nothing is normalised: positions are multiplied by `all`
  // instead, which takes the place of K products.
  template <class P> struct shares {
    P e[unsigned{K}];     // exponentials
    P below[unsigned{K}]; // sums of e over the bins before
    P sum;                // of all e
    P floor;              // what every bin gets on top of e
    P all;                // sum + K floor
    template <class Theta> BIJOU_INLINE shares(const Theta& theta, int first) {
      using T = typename P::value_type;
      P most = theta[first];
#pragma GCC unroll 8
      for (int i = 1; i < K; ++i) most = simd::max(most, P(theta[first + i]));
      P total(0);
#pragma GCC unroll 4
      for (int i = 0; i < K; ++i) {
        below[i] = total;
        e[i] = exp_below_zero(theta[first + i] - most);
        total += e[i];
      }
      sum = total;
      floor = total * P(T(least / (1 - K * least)));
      all = simd::fma(P(T(K)), floor, total);
    }

    // e^x for x <= 0 without the care for results that are no normal numbers: next to the floor
    // they are nothing. Half the work of an element is here.
    static BIJOU_INLINE P exp_below_zero(P x) {
      using T = typename P::value_type;
      using format = math::detail::format<T>;
      x = simd::max(P(sizeof(T) == 4 ? T(-87) : T(-708)), x);
      const auto [expm1, shifted] = math::detail::reduce_exp(x, T(format::bias));
      const auto scale =
          simd::from_bits<T>(simd::shift_left<format::fraction>(simd::to_bits(shifted)));
      return simd::fma(scale, expm1, scale);
    }
  };

  // The bin that a position lies in: left knot, sizes, slope parameters at both ends.
  template <class P> struct bin {
    P index, widths_below, width_e, heights_below, height_e, u0, u1;
    P x, width, y, height;
  };
  template <class P, class Theta>
  BIJOU_INLINE bin<P> locate(const shares<P>& w, const shares<P>& h, P at, const Theta& theta,
                             const shares<P>& searched) const {
    constexpr int first = LearnedEdges ? 0 : 1; // the first knot with a parameter
    bin<P> k;
    k.index = k.widths_below = k.heights_below = P(0);
    k.width_e = w.e[0];
    k.height_e = h.e[0];
    k.u0 = LearnedEdges ? P(theta[2 * K]) : P(0);
    k.u1 = theta[2 * K + 1 - first];
    P number(0);
#pragma GCC unroll 8
    for (int i = 1; i < K; ++i) {
      number += P(1);
      const auto beyond = at >= simd::fma(number, searched.floor, searched.below[i]);
      k.index = simd::select(beyond, number, k.index);
      k.widths_below = simd::select(beyond, w.below[i], k.widths_below);
      k.width_e = simd::select(beyond, w.e[i], k.width_e);
      k.heights_below = simd::select(beyond, h.below[i], k.heights_below);
      k.height_e = simd::select(beyond, h.e[i], k.height_e);
      k.u0 = simd::select(beyond, k.u1, k.u0);
      if (LearnedEdges || i + 1 < K)
        k.u1 = simd::select(beyond, P(theta[2 * K + i + 1 - first]), k.u1);
    }
    k.x = simd::fma(k.index, w.floor, k.widths_below);
    k.y = simd::fma(k.index, h.floor, k.heights_below);
    k.width = k.width_e + w.floor;
    k.height = k.height_e + h.floor;
    return k;
  }

  template <class P> struct slope_pair {
    P left, right;
  };
  template <class P> BIJOU_INLINE slope_pair<P> ends(const bin<P>& k) const {
    using T = typename P::value_type;
    const P most(T(1e12)); // whatever a network says: slopes are squared
    slope_pair<P> d{simd::min(most, math::softplus(k.u0 + shift<P>()) + P(T(least))),
                    simd::min(most, math::softplus(k.u1 + shift<P>()) + P(T(least)))};
    if constexpr (!LearnedEdges) {
      const P edge(static_cast<T>(this->edge_slope));
      d.left = simd::select(k.index == P(0), edge, d.left);
      d.right = simd::select(k.index == P(T(K - 1)), edge, d.right);
    }
    return d;
  }

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

  // A point in its bin, with what adjoints need.
  template <class P> struct spot {
    bin<P> k;
    P t, per_width, inverse_height;
    curve<P> c;
    P inverse_bracket;
    P dlog; // d log slope / dx in units of the box
  };
  template <class P>
  BIJOU_INLINE spot<P> at_spot(P at, const bin<P>& k, const shares<P>& w,
                               const shares<P>& h) const {
    const P inverse_width = P(1) / k.width, inverse_height = P(1) / h.all;
    const P t = simd::max(P(0), simd::min(top<P>(), (at - k.x) * inverse_width));
    const P per_width = inverse_width * w.all;
    const curve<P> c(t, k.height * inverse_height * per_width, ends(k), least_bend<P>());
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
    using T = typename P::value_type;
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
    spread(g_theta, 0, w, k.index, -gx, -simd::fma(gs * c.s, p.per_width, gx * p.t), k.widths_below,
           k.width_e);
    spread(g_theta, K, h, k.index, gy, simd::fma(gs, p.per_width, gy * c.v), k.heights_below,
           k.height_e);
    const P gu0 = gleft * math::sigmoid(k.u0 + shift<P>());
    const P gu1 = gright * math::sigmoid(k.u1 + shift<P>());
    constexpr int first = LearnedEdges ? 0 : 1;
    P knot{T(first)};
    for (int j = 2 * K; j < parameters; ++j, knot += P(1))
      g_theta.set(
          j, simd::select(k.index == knot, gu0, simd::select(k.index + P(1) == knot, gu1, P(0))));
  }

  // Cotangents of K logits from those of the left knot and the size of bin `index`: a running sum
  // and a softmax, both linear in two numbers.
  template <class P, class Sink>
  static BIJOU_INLINE void spread(Sink&& g_theta, int first, const shares<P>& b, P index, P gknot,
                                  P gsize, P below, P e) {
    const P mean = simd::fma(gknot, below, gsize * e) / b.sum;
    const P scale = P(1) / b.all;
    P number(0);
    for (int i = 0; i < K; ++i, number += P(1)) {
      const P g = simd::select(number < index, gknot, simd::select(number == index, gsize, P(0)));
      g_theta.set(first + i, b.e[i] * scale * (g - mean));
    }
  }
};

/// A rational quadratic spline of K bins on [-3, 3] with identity tails.
template <int K>
  requires(K >= 2 && K < 1000)
inline constexpr rational_quadratic_t<K> rational_quadratic{};

} // namespace bijou::inline BIJOU_ISA

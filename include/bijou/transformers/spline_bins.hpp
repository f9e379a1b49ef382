#pragma once
/// \file
/// What monotone splines have in common: a box, K bins in it, their parameters and options.
///
/// A spline maps the box to itself bin by bin, and what lies outside to itself. theta begins with K
/// width logits, K height logits and the parameters u of the slopes at knots, knots ascending: the
/// K - 1 interior ones, or all K + 1 where the boundary slopes are learned.
///
///     widths, heights = softmax, raised to at least 1e-3 of the box
///     slopes d = 1e-3 + softplus(u + c), c such that u = 0 gives slope 1
///
/// A spline's own file says what curve runs through a bin: rational_quadratic.hpp,
/// rational_linear.hpp.
///
/// Source of the parametrisation: Durkan et al. 2019 (1906.04032), section 3.1.

#include <bijou/grammar/kind.hpp>
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

namespace detail {

/// K bins on a box, for a spline whose own file has the curve: both maps, and of their adjoints
///
/// | member | gives |
/// |---|---|
/// | `at_spot(at, bin, widths, heights, theta)` | a point in its bin: `slope()`, `dlog` |
/// | `at_spot(..., key)` | the same of the inverse: where y lies is key |
/// | `pull_back_bins(spot, widths, heights, gy, gl, gx, g_theta)` | sets the cotangents of theta |
///
/// Positions and cotangents are in units of the box here, positions times the sum of all shares.
/// `Spline<K, Support, LearnedEdges, Options>` is the transformer, which options make anew.
template <template <int, kind, bool, class> class Spline, int K, kind Support, bool LearnedEdges,
          class Options>
struct spline_bins : Options {
  using bijou_tag = transformer_tag;
  static constexpr int bins = K;
  static constexpr bool has_factor = false;
  static constexpr kind support = Support;
  /// Knots whose slopes are parameters.
  static constexpr int learned_slopes = LearnedEdges ? K + 1 : K - 1;
  /// Least width and height of a bin as a share of the box, and least slope at a knot.
  static constexpr double least = 1e-3;

  /// Tails outside [-b, b]. Throws std::invalid_argument unless b is positive and finite.
  constexpr auto bound(double b) const
    requires(Support == kind::line)
  {
    require(b > 0 && b <= std::numeric_limits<double>::max(), "bound", "positive", b);
    set_spline o = options();
    o.half_width = b;
    return Spline<K, Support, LearnedEdges, set_spline>{{o}};
  }
  /// Domain and image [0, 1], boundary slopes learned.
  constexpr auto unit_box() const { return Spline<K, kind::unit, true, Options>{{*this}}; }
  /// Boundary slopes fixed at s > 0.
  constexpr auto boundary_slope(double s) const {
    require(s > 0 && s <= std::numeric_limits<double>::max(), "boundary_slope", "positive", s);
    set_spline o = options();
    o.edge_slope = s;
    return Spline<K, Support, false, set_spline>{{o}};
  }
  /// Adds e to the knots in the bin search, as Pyro does.
  constexpr auto knot_epsilon(double e) const {
    require(e >= 0 && e <= std::numeric_limits<double>::max(), "knot_epsilon", "at least 0", e);
    set_spline o = options();
    o.search_offset = e;
    return Spline<K, Support, LearnedEdges, set_spline>{{o}};
  }
  /// Slopes 1e-3 + softplus(u) without the shift that makes theta = 0 the identity.
  constexpr auto plain_slopes() const {
    set_spline o = options();
    o.slope_offset = 0;
    return Spline<K, Support, LearnedEdges, set_spline>{{o}};
  }
  /// All quirks of Pyro's splines.
  constexpr auto pyro() const { return boundary_slope(0.999).knot_epsilon(1e-6).plain_slopes(); }

  /// As it could be written.
  std::string text() const {
    constexpr bool line = Support == kind::line;
    std::string t = std::string(spline_name()) + "<" + std::to_string(K) + ">";
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

  template <class P, class Theta> slopes<P> slope(P x, const Theta& theta) const {
    using T = typename P::value_type;
    const shares<P> w(theta, 0), h(theta, K);
    const P at = into_box(x) * w.all;
    const auto p = spline().at_spot(at, locate(w, h, at, theta, w), w, h, theta);
    const auto tail = outside(x);
    return {simd::select(tail, P(1), p.slope()),
            simd::select(tail, P(0), p.dlog * P(T(1 / span())))};
  }

  template <class P, class Theta, class Sink>
  P pull_back(P x, const Theta& theta, P gy, P gl, Sink&& g_theta) const {
    using T = typename P::value_type;
    const shares<P> w(theta, 0), h(theta, K);
    const P at = into_box(x) * w.all;
    const auto p = spline().at_spot(at, locate(w, h, at, theta, w), w, h, theta);
    const auto tail = outside(x);
    // In units of the box. Where an end lies does not depend on theta.
    const P gl_in = simd::select(tail, P(0), gl);
    const P gy_in = simd::select(pinned(x), P(0), gy * P(T(span())));
    const P slope = p.slope(), by_log = gl_in * p.dlog;
    spline().pull_back_bins(p, w, h, gy_in, gl_in, simd::fma(gy_in, slope, by_log), g_theta);
    return simd::select(tail, gy, simd::fma(gy, slope, by_log * P(T(1 / span()))));
  }

  /// The adjoint of inverse, in the bin that inverse found: beside a knot, x = inverse(y) may have
  /// been rounded into the next, where the log slope falls instead of rising.
  template <class P, class Theta, class Sink>
  P pull_back_inverse(P x, P y, const Theta& theta, P gx, P gl, Sink&& g_theta) const {
    using T = typename P::value_type;
    const shares<P> w(theta, 0), h(theta, K);
    const P key = into_box(y) * h.all;
    const auto p =
        spline().at_spot(into_box(x) * w.all, locate(w, h, key, theta, h), w, h, theta, key);
    const auto tail = outside(y), end = pinned(y);
    const P gl_in = simd::select(tail, P(0), -gl);
    const P by_log = gl_in * p.dlog;
    const P gy = detail::cotangent_quotient(simd::fma(by_log, P(T(1 / span())), gx), p.slope());
    const P gy_in = simd::select(end, P(0), gy * P(T(-span())));
    spline().pull_back_bins(p, w, h, gy_in, gl_in, simd::select(end, by_log, gx * P(T(-span()))),
                            g_theta);
    return simd::select(tail, gx, gy);
  }

  /// Equal bins with slopes of 1.
  template <class T> void identity(T* theta, int stride) const {
    for (int j = 0; j < 2 * K; ++j) theta[j * stride] = T(0);
    for (int j = 2 * K; j < 2 * K + learned_slopes; ++j)
      theta[j * stride] = T(default_spline::slope_offset - this->slope_offset);
  }

 protected:
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
  // A place in a bin whose left knot is 0 and whose right one is 1. Rounding may carry it past 1 in
  // a narrow bin; a search offset may do so by design.
  template <class P> BIJOU_INLINE P up_to_end(P t) const {
    using T = typename P::value_type;
    return simd::min(P(this->search_offset > 0 ? std::numeric_limits<T>::max() : T(1)), t);
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

  // The bin that a position lies in, one of x or of y by the shares that are searched: left knot,
  // sizes, slope parameters at both ends.
  template <class P> struct bin {
    P index, widths_below, width_e, heights_below, height_e, u0, u1;
    P x, width, y, height;
  };
  template <class P, class Theta>
  BIJOU_INLINE bin<P> locate(const shares<P>& w, const shares<P>& h, P at, const Theta& theta,
                             const shares<P>& searched) const {
    constexpr int first = LearnedEdges ? 0 : 1; // the first knot with a parameter
    const P offset(static_cast<typename P::value_type>(this->search_offset / span()));
    const P key = at - offset * searched.all;
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
      const auto beyond = key >= simd::fma(number, searched.floor, searched.below[i]);
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

  // Cotangents of the slopes' parameters from those of the slopes at both ends of a bin.
  template <class P, class Sink>
  BIJOU_INLINE void spread_slopes(Sink&& g_theta, const bin<P>& k, P gleft, P gright) const {
    using T = typename P::value_type;
    const P gu0 = gleft * math::sigmoid(k.u0 + shift<P>());
    const P gu1 = gright * math::sigmoid(k.u1 + shift<P>());
    constexpr int first = LearnedEdges ? 0 : 1;
    P knot{T(first)};
    for (int j = 2 * K; j < 2 * K + learned_slopes; ++j, knot += P(1))
      g_theta.set(
          j, simd::select(k.index == knot, gu0, simd::select(k.index + P(1) == knot, gu1, P(0))));
  }

 private:
  static constexpr void require(bool ok, const char* option, const char* expected, double got) {
    if (!ok)
      throw std::invalid_argument(std::string(spline_name()) + "." + option + ": expected " +
                                  expected + ", got " + detail::number_text(got));
  }
  using spline_type = Spline<K, Support, LearnedEdges, Options>;
  constexpr const spline_type& spline() const { return static_cast<const spline_type&>(*this); }
  static constexpr const char* spline_name() { return spline_type::name; }
  constexpr set_spline options() const {
    return {this->half_width, this->edge_slope, this->search_offset, this->slope_offset};
  }
};

} // namespace detail

} // namespace bijou::inline BIJOU_ISA

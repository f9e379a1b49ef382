#pragma once
/// \file
/// `rational_linear<K>`: a monotone spline of K bins, each two ratios of lines that meet inside it.
///
/// | word | domain and image | boundary slopes | parameters |
/// |---|---|---|---|
/// | `rational_linear<K>` | line; identity outside [-B, B], B = 3 | 1 | 4K - 1 |
/// | `.bound(B)` | line | 1 | 4K - 1 |
/// | `.unit_box()` | [0, 1] | learned | 4K + 1 |
/// | `.unit_box().boundary_slope(1)` | [0, 1] | given | 4K - 1 |
///
/// theta = K width logits, K height logits, the slopes' parameters u, as in rational_quadratic.hpp,
/// then K parameters z of the places where the two pieces of a bin meet:
///
///     l = 0.025 + 0.95 sigmoid(z)     as a share of the bin's width
///
/// In a bin of width w, height h, end slopes d0 and d1, with s = h / w and m = l sqrt(d0) + (1-l)
/// sqrt(d1), each piece is seen from its own end of the bin: u is the distance from there as a
/// share of w, p the share that is the piece's, r the root of the slope at that end:
///
///     t = (x - x_k) / w <= l:   u = t,     p = l,     r = sqrt(d0),  y = y_k + h v
///     otherwise:                u = 1 - t, p = 1 - l, r = sqrt(d1),  y = y_k + h (1 - v)
///
///     v     = p r^2 u / n            n = s (p - u) + r m u
///     dy/dx = (s p r / n)^2
///     dlog  = 2 (s - r m) / (n w)    for the left piece, and less it for the right one
///
/// Inverse: with v seen from the same end, u = p s v / (r (p r - m v) + s v); the pieces meet at
/// v = p r / m. Every sum here is one of two terms that are not negative: nothing cancels in them,
/// and there is neither a root nor an iteration. Value and slope are continuous, at the meeting
/// point as at knots.
///
/// theta = 0 is the identity. What holds of points outside the box, of its ends and of NaN is that
/// of rational_quadratic.hpp.
///
/// `.pyro()` is Pyro's Spline(order='linear'), its default, to the last quirk: boundary slope
/// 0.999, 1e-6 added to the knots in the bin search, d = 1e-3 + softplus(u) (theta = 0 is not the
/// identity). Each quirk has an option of its own: boundary_slope, knot_epsilon, plain_slopes.
///
/// Source: Dolatabadi, Erfani and Leckie 2020 (2001.05168), section 4, algorithm 1, with the
/// weights w_a = sqrt(d1), w_b = sqrt(d0), of which common factors are divided out here. Cost an
/// element: 2K exponentials, two softplus, two roots, a sigmoid and a logarithm, 4 to 5 divisions,
/// 8 selects a bin. Knots are known to about 1e-7 of the box in float, as those of
/// rational_quadratic.

#include <bijou/kernels/dual.hpp>
#include <bijou/kernels/math.hpp>
#include <bijou/transformers/spline_bins.hpp>
#include <bijou/transformers/transformer.hpp>

namespace bijou::inline BIJOU_ISA {

template <int K, kind Support = kind::line, bool LearnedEdges = false,
          class Options = default_spline>
struct rational_linear_t
    : detail::spline_bins<rational_linear_t, K, Support, LearnedEdges, Options> {
  static_assert(K >= 2 && K < 1000, "bijou: rational_linear<K> needs 2 <= K < 1000 bins");
  static constexpr int parameters = LearnedEdges ? 4 * K + 1 : 4 * K - 1;
  static constexpr const char* name = "rational_linear";
  /// Least share of a bin's width on either side of the point where its two pieces meet.
  static constexpr double least_share = 0.025;

  template <class P, class Theta> mapped<P> forward(P x, const Theta& theta) const {
    const shares<P> w(theta, 0), h(theta, K);
    const P at = this->into_box(x) * w.all;
    const bin<P> k = this->locate(w, h, at, theta, w);
    const P inverse_width = P(1) / k.width, inverse_height = P(1) / h.all;
    const P t = this->up_to_end((at - k.x) * inverse_width);
    const curve<P> c(k.height * inverse_width * (w.all * inverse_height), this->ends(k),
                     meeting(theta, k.index));
    const piece<P> p = on_piece(c, t > c.share, t);
    const P y = this->out_of_box(simd::fma(k.height, p.share_of_height(), k.y) * inverse_height);
    return {simd::select(this->pinned(x), x, y),
            simd::select(this->outside(x), P(0), p.log_slope())};
  }

  template <class P, class Theta> mapped<P> inverse(P y, const Theta& theta) const {
    using T = typename P::value_type;
    const shares<P> w(theta, 0), h(theta, K);
    const P at = this->into_box(y) * h.all;
    const bin<P> k = this->locate(w, h, at, theta, h);
    const curve<P> c(k.height * w.all / (k.width * h.all), this->ends(k), meeting(theta, k.index));
    const P of_height = this->up_to_end((at - k.y) / k.height);
    const auto second = beyond_meeting(c, of_height);
    const P v = simd::select(second, P(1) - of_height, of_height);
    const P p = simd::select(second, P(1) - c.share, c.share);
    const P r = simd::select(second, c.right, c.left);
    P n = simd::fma(r, simd::max(P(0), simd::fnma(c.mean, v, p * r)), c.s * v);
    // Not so where a search offset has carried y past the end of the bin.
    if (this->search_offset > 0)
      n = simd::max(n, simd::select(v < P(0), P(T(0.25)) * p * r * r, P(0)));
    const P u = simd::min(p, p * c.s * v / n);
    const P t = simd::select(second, P(1) - u, u);
    const P x = this->out_of_box(simd::fma(k.width, t, k.x) / w.all);
    return {simd::select(this->pinned(y), y, x),
            simd::select(this->outside(y), P(0), on_piece(c, second, t).log_slope())};
  }

  template <class T> void identity(T* theta, int stride) const {
    bins_of::identity(theta, stride);
    for (int i = 0; i < K; ++i) theta[(first_meeting + i) * stride] = T(0);
  }

 private:
  using bins_of = detail::spline_bins<rational_linear_t, K, Support, LearnedEdges, Options>;
  template <class P> using shares = typename bins_of::template shares<P>;
  template <class P> using bin = typename bins_of::template bin<P>;
  template <class P> using slope_pair = typename bins_of::template slope_pair<P>;
  friend bins_of; // its adjoints ask for at_spot and pull_back_bins

  static constexpr int first_meeting = 2 * K + bins_of::learned_slopes;

  // z of the bin of this number.
  template <class P, class Theta> static BIJOU_INLINE P meeting(const Theta& theta, P index) {
    P z = theta[first_meeting], number(0);
#pragma GCC unroll 8
    for (int i = 1; i < K; ++i) {
      number += P(1);
      z = simd::select(index == number, P(theta[first_meeting + i]), z);
    }
    return z;
  }

  // What both pieces of a bin know: s, z, l, the roots of its end slopes and m.
  template <class P> struct curve {
    P s, z, share, left, right, mean;
    BIJOU_INLINE curve(P ratio, slope_pair<P> d, P meets)
        : s(ratio), z(meets), left(simd::sqrt(d.left)), right(simd::sqrt(d.right)) {
      using T = typename P::value_type;
      share = simd::fma(math::sigmoid(z), P(T(1 - 2 * least_share)), P(T(least_share)));
      mean = simd::fma(share, left, (P(1) - share) * right);
    }
  };
  // Whether a share of the bin's height lies beyond that of the meeting point, l sqrt(d0) / m.
  template <class P> static BIJOU_INLINE auto beyond_meeting(const curve<P>& c, P of_height) {
    return simd::fnma(c.mean, of_height, c.share * c.left) < P(0);
  }

  // A point on its piece, seen from the piece's end of the bin.
  template <class P> struct piece {
    simd::mask<typename P::value_type> second;
    P u, p, r, inverse_n;
    P root; // s p r / n, the root of the slope
    BIJOU_INLINE P v() const { return p * r * r * u * inverse_n; }
    BIJOU_INLINE P share_of_height() const { return simd::select(second, P(1) - v(), v()); }
    BIJOU_INLINE P log_slope() const { return P(2) * math::log(root); }
  };
  template <class P>
  BIJOU_INLINE piece<P> on_piece(const curve<P>& c, simd::mask<typename P::value_type> second,
                                 P t) const {
    using T = typename P::value_type;
    piece<P> a;
    a.second = second;
    a.p = simd::select(second, P(1) - c.share, c.share);
    a.r = simd::select(second, c.right, c.left);
    a.u = simd::min(a.p, simd::select(second, P(1) - t, t));
    const P rm = a.r * c.mean;
    P n = simd::fma(c.s, a.p - a.u, rm * a.u);
    // A search offset may carry the point past the end of its bin, where nothing keeps n above 0.
    if (this->search_offset > 0) n = simd::max(n, P(T(0.25)) * a.p * simd::min(c.s, rm));
    a.inverse_n = P(1) / n;
    a.root = c.s * a.p * (a.r * a.inverse_n);
    return a;
  }

  // A point in its bin, with what adjoints need.
  template <class P> struct spot {
    bin<P> k;
    P t, per_width, inverse_height;
    curve<P> c;
    piece<P> p;
    P dlog; // d log slope / dx in units of the box
    BIJOU_INLINE P slope() const { return p.root * p.root; }
  };
  template <class P, class Theta>
  BIJOU_INLINE spot<P> at_spot(P at, const bin<P>& k, const shares<P>& w, const shares<P>& h,
                               const Theta& theta) const {
    return make_spot(
        at, k, w, h, theta,
        [](const curve<P>& c, P t) __attribute__((always_inline)) { return t > c.share; });
  }
  // Of the inverse: rounded, x may lie beyond the meeting point, where dlog has another sign.
  template <class P, class Theta>
  BIJOU_INLINE spot<P> at_spot(P at, const bin<P>& k, const shares<P>& w, const shares<P>& h,
                               const Theta& theta, P key) const {
    const P of_height = this->up_to_end((key - k.y) / k.height);
    return make_spot(
        at, k, w, h, theta, [&](const curve<P>& c, P) __attribute__((always_inline)) {
          return beyond_meeting(c, of_height);
        });
  }
  template <class P, class Theta, class Second>
  BIJOU_INLINE spot<P> make_spot(P at, const bin<P>& k, const shares<P>& w, const shares<P>& h,
                                 const Theta& theta, const Second& is_second) const {
    const P inverse_width = P(1) / k.width, inverse_height = P(1) / h.all;
    const P t = simd::max(P(0), this->up_to_end((at - k.x) * inverse_width));
    const P per_width = inverse_width * w.all;
    const curve<P> c(k.height * inverse_height * per_width, this->ends(k), meeting(theta, k.index));
    const piece<P> p = on_piece(c, is_second(c, t), t);
    const P by_u = P(2) * simd::fnma(p.r, c.mean, c.s) * p.inverse_n;
    return {k, t, per_width, inverse_height, c, p, simd::select(p.second, -by_u, by_u) * per_width};
  }

  // Cotangents of theta from those of y, of the log slope and of x, all in units of the box: v is
  // numerator / n; log slope = 2 (log s + log p + log r - log n).
  template <class P, class Sink>
  BIJOU_INLINE void pull_back_bins(const spot<P>& a, const shares<P>& w, const shares<P>& h, P gy,
                                   P gl, P gx, Sink&& g_theta) const {
    using T = typename P::value_type;
    const curve<P>& c = a.c;
    const piece<P>& p = a.p;
    const bin<P>& k = a.k;
    const P from_end = simd::select(p.second, -gy, gy), two_gl = gl + gl;
    const P gnum = from_end * k.height * a.inverse_height * p.inverse_n;
    const P gn = -simd::fma(gnum, p.v(), two_gl * p.inverse_n);
    const P gs = simd::fma(gn, p.p - p.u, two_gl / c.s);
    const P gp = simd::fma(gn, c.s, simd::fma(gnum * p.r, p.r * p.u, two_gl / p.p));
    const P gr = simd::fma(gn * c.mean, p.u, simd::fma(P(2) * gnum * p.p, p.r * p.u, two_gl / p.r));
    const P gm = gn * p.r * p.u;
    // m and p in terms of l and the two roots.
    const P gshare = simd::fma(gm, c.left - c.right, simd::select(p.second, -gp, gp));
    const P gleft = simd::fma(gm, c.share, simd::select(p.second, P(0), gr));
    const P gright = simd::fma(gm, P(1) - c.share, simd::select(p.second, gr, P(0)));
    // Only the bins up to this one move its left knot and its size.
    this->spread(g_theta, 0, w, k.index, -gx, -simd::fma(gs * c.s, a.per_width, gx * a.t),
                 k.widths_below, k.width_e);
    this->spread(g_theta, K, h, k.index, gy, simd::fma(gs, a.per_width, gy * p.share_of_height()),
                 k.heights_below, k.height_e);
    this->spread_slopes(g_theta, k, P(T(0.5)) * gleft / c.left, P(T(0.5)) * gright / c.right);
    const P gz = gshare * P(T(1 - 2 * least_share)) * math::detail::logistic_slope(c.z);
    P number(0);
    for (int i = 0; i < K; ++i, number += P(1))
      g_theta.set(first_meeting + i, simd::select(k.index == number, gz, P(0)));
  }
};

/// A rational linear spline of K bins on [-3, 3] with identity tails.
template <int K>
  requires(K >= 2 && K < 1000)
inline constexpr rational_linear_t<K> rational_linear{};

} // namespace bijou::inline BIJOU_ISA

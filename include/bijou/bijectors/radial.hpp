#pragma once
/// \file
/// `radial`: draws samples towards a point, or pushes them away from it.
///
/// y = x + beta h (x - x0), h = 1 / (alpha + r), r = |x - x0|; log|det dy/dx| =
/// (D - 1) log(1 + beta h) + log(1 + alpha beta h^2). alpha = softplus(alpha') > 0 and beta =
/// softplus(beta') - alpha > -alpha, so that the map is one to one. All of R^D to all of R^D. The
/// flow scores its own samples. `numerically_inverted(radial)` solves r (1 + beta h) = |y - x0| for
/// r, a quadratic equation whose root needs no iteration; then x is on the ray from x0 to y.
///
/// Rezende and Mohamed 2015 (1505.05770), equation 14 and appendix A.2.

#include <bijou/bijectors/layer.hpp>
#include <bijou/bijectors/permute.hpp>
#include <bijou/bijectors/word_parameters.hpp>
#include <bijou/grammar/place.hpp>
#include <bijou/kernels/math.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {
template <int D> struct radial_parameters {
  static constexpr int x0 = 0, alpha = D, beta = D + 1, count = D + 2;
  static constexpr std::array tensors{word_tensor{"x0", x0, D},
                                      word_tensor{"alpha_prime", alpha, 1},
                                      word_tensor{"beta_prime", beta, 1}};
};
} // namespace detail

/// The map of `radial` on a tile. Tape: the rows it was given. Cost of a sample: 2 D multiply-adds,
/// a root, a quotient and two logarithms; its adjoint about twice that, without the logarithms.
template <class T, int L, int D>
class radial_layer : public word_rows<T, L, D, detail::radial_parameters<D>> {
  using variables = word_rows<T, L, D, detail::radial_parameters<D>>;
  using typename variables::pack;
  using variables::row_of, variables::rows_at, variables::store, variables::values_of;
  using names = detail::radial_parameters<D>;
  template <class V> using each = detail::per_variable<V, D>;

 public:
  static constexpr int scratch_rows = 1;
  static constexpr int tape_rows = D;

  using variables::variables;

  void forward(const tile<T>& t) const {
    const centre c(this->theta_of(t.theta));
    for (int s = 0; s < t.lanes; s += pack::size) {
      const each<pack> x = rows_at(t.x + s);
      const pull p(c, x);
      detail::for_each_variable<D>([&](int d) {
        fma(p.stretch, c.away(d, detail::at(x, d)), detail::at(x, d))
            .store(t.x + row_of(d) * L + s);
      });
      (pack::load(t.log_det + s) + p.log_det()).store(t.log_det + s);
    }
  }
  void forward(const tile<T>& t, T* tape) const {
    std::copy_n(t.x, D * L, tape);
    forward(t);
  }
  void forward(const event_tile<T>& e) const {
    const centre c(this->theta_of(e.theta));
    const each<pack> x = values_of(e);
    const pull p(c, x);
    detail::for_each_variable<D>([&](int d) {
      e.x[row_of(d)] = fma(p.stretch, c.away(d, detail::at(x, d)), detail::at(x, d)).first();
    });
    *e.log_det = (pack(*e.log_det) + p.log_det()).first();
  }

  void forward_adjoint(const cotangent_tile<T>& t, const T* tape) const {
    const T* theta = this->theta_of(t.theta);
    const centre c(theta);
    each<pack> sum_x0;
    sum_x0.fill(pack(T(0)));
    pack sum_alpha(T(0)), sum_beta(T(0));
    for (int s = 0; s < t.lanes; s += pack::size) {
      each<pack> x, g_y;
      pack g_stretch(T(0));
      detail::for_each_variable<D>([&](int d) {
        const int at = row_of(d) * L + s;
        detail::at(x, d) = pack::load(tape + at);
        detail::at(g_y, d) = pack::load(t.g + at);
        g_stretch = fma(detail::at(g_y, d), c.away(d, detail::at(x, d)), g_stretch);
      });
      const pull p(c, x);
      const pack alpha(c.alpha), beta(c.beta), h = p.h, h2 = h * h;
      const pack g = pack::load(t.log_det + s);
      // The log-det's slopes: `across` of the D - 1 directions, `along` of the one through x0.
      const pack across = g * pack(T(D - 1)) / p.across, along = g / p.along;
      const pack g_beta = h * fma(along, alpha * h, g_stretch + across);
      const pack g_h = beta * fma(along, pack(T(2)) * (alpha * h), g_stretch + across);
      const pack g_r = -(h2 * g_h);
      sum_alpha += fma(along, beta * h2, g_r);
      sum_beta += g_beta;
      const pack by_r = select(p.r > pack(T(0)), g_r / p.r, pack(T(0)));
      detail::for_each_variable<D>([&](int d) {
        const pack one = detail::at(g_y, d);
        const pack moved = fma(by_r, c.away(d, detail::at(x, d)), one * p.stretch);
        (one + moved).store(t.g + row_of(d) * L + s);
        detail::at(sum_x0, d) -= moved;
      });
    }
    T* gradient = this->theta_of(t.gradient);
    for (int d = 0; d < D; ++d)
      gradient[names::x0 + d] += detail::sum_of_lanes(detail::at(sum_x0, d));
    // beta = softplus(beta') - alpha.
    const pack g_beta(detail::sum_of_lanes(sum_beta));
    const pack g_alpha = pack(detail::sum_of_lanes(sum_alpha)) - g_beta;
    gradient[names::alpha] += (g_alpha * math::sigmoid(pack(theta[names::alpha]))).first();
    gradient[names::beta] += (g_beta * math::sigmoid(pack(theta[names::beta]))).first();
  }

  /// Data to noise: see numerically_inverted.hpp.
  template <class Tile> void solve(const Tile& t) const {
    this->move_back(t, centre(this->theta_of(t.theta)));
  }
  /// The matrix has the eigenvalue `along` on the ray and `across` elsewhere:
  /// lambda = g_x / across + n (n.g_x (1 / along - 1 / across) - g_l dl/dr / along), n the ray's
  /// direction.
  void solve_transposed(const cotangent_tile<T>& t, const T* tape) const {
    const centre c(this->theta_of(t.theta));
    for (int s = 0; s < t.lanes; s += pack::size) {
      const each<pack> x = rows_at(tape + s);
      each<pack> g = rows_at(t.g + s);
      pack g_ray(T(0)); // times r
      detail::for_each_variable<D>(
          [&](int d) { g_ray = fma(detail::at(g, d), c.away(d, detail::at(x, d)), g_ray); });
      const pull p(c, x);
      const pack alpha(c.alpha), h = p.h;
      const pack across = pack(T(D - 1)) / p.across, along = pack(T(2)) * (alpha * h) / p.along;
      const pack log_det_slope = -(p.stretch * h * (across + along));
      const pack by_det = pack::load(t.log_det + s) * log_det_slope;
      // across - along = beta h (1 - alpha h) = beta h^2 r
      const pack turn = p.stretch * (h * g_ray) / p.across;
      const pack by_r = select(p.r > pack(T(0)), (turn - by_det) / p.along / p.r, pack(T(0)));
      detail::for_each_variable<D>([&](int d) {
        pack& one = detail::at(g, d);
        one = fma(by_r, c.away(d, detail::at(x, d)), one / p.across);
      });
      store(g, t.g + s);
    }
  }

  /// All normal with deviation 1 / sqrt(3 D), the variance of Pyro's.
  template <class Random> void initialise(T* parameters, Random&& random) const {
    T* theta = this->theta_of(parameters);
    const double deviation = 1 / std::sqrt(3.0 * D);
    for (int i = 0; i < names::count; ++i) theta[i] = static_cast<T>(deviation * random());
  }

 private:
  /// Distances end here, so that their squares do not overflow: the map is the identity by then.
  static constexpr T farthest = sizeof(T) == 4 ? T(0x1p60) : T(0x1p500);

  /// The parameters as the map uses them, the same for all samples.
  struct centre {
    each<T> x0;
    T alpha, beta;
    T least; ///< alpha + beta = softplus(beta') > 0

    explicit centre(const T* theta) {
      std::copy_n(theta + names::x0, D, x0.begin());
      const pack a = math::softplus(pack(theta[names::alpha]));
      const pack b = math::softplus(pack(theta[names::beta]));
      alpha = a.first();
      least = b.first();
      beta = (b - a).first();
    }
    BIJOU_INLINE pack away(int d, pack x) const { return x - pack(detail::at(x0, d)); }
    BIJOU_INLINE pack distance(const each<pack>& x) const {
      pack square(T(0));
      detail::for_each_variable<D>([&](int d) {
        const pack one = away(d, detail::at(x, d));
        square = fma(one, one, square);
      });
      return min(pack(farthest), sqrt(square));
    }
    /// r^2 + (least - R) r - alpha R = 0 with R = |y - x0|, by the root that does not cancel. Then
    /// x - x0 = (y - x0) / (1 + beta h).
    BIJOU_INLINE each<pack> moved_back(each<pack> y) const {
      const pack far = distance(y), product = pack(alpha) * far;
      const pack middle = pack(T(0.5)) * (far - pack(least));
      const pack sum = sqrt(fma(middle, middle, product)) + abs(middle);
      const pack r = select(middle < pack(T(0)), product / sum, sum);
      const pack shrink = (pack(alpha) + r) / (pack(least) + r);
      detail::for_each_variable<D>([&](int d) {
        pack& one = detail::at(y, d);
        one = fma(shrink, away(d, one), pack(detail::at(x0, d)));
      });
      return y;
    }
  };

  /// What a sample's distance from the centre makes of it.
  struct pull {
    pack r, h;
    pack stretch; ///< beta h: y - x0 = (1 + stretch) (x - x0)
    pack across;  ///< 1 + beta h, the slope across the ray from x0
    pack along;   ///< 1 + alpha beta h^2, the slope along it

    BIJOU_INLINE pull(const centre& c, const each<pack>& x) {
      r = c.distance(x);
      h = pack(T(1)) / (pack(c.alpha) + r);
      stretch = pack(c.beta) * h;
      // Both slopes as sums of terms above 0, which cannot cancel: near + far = 1.
      const pack near = pack(c.alpha) * h, far = r * h, least = pack(c.least) * h;
      across = far + least;
      along = fma(far, far + (near + near), near * least);
    }
    BIJOU_INLINE pack log_det() const {
      if constexpr (D == 1)
        return math::log(along);
      else
        return fma(pack(T(D - 1)), math::log(across), math::log(along));
    }
  };
};

/// The word. It has no options: its parameters are free, and learned.
struct radial_t {
  using bijou_tag = word_tag;
  static constexpr rule what = rule::learned;
  static constexpr int size = 0;
  static constexpr bool invertible = false;
  static constexpr bool numerically_invertible = true;

  template <int D> static constexpr misfit fits(const place<D>& p) {
    return p.is_all(kind::line) ? misfit::none : misfit::support;
  }
  template <int D> static constexpr place<D> after(const place<D>& p) { return p; }

  template <class T, int L, int D, int C> using layer = radial_layer<T, L, D>;
  template <class T, int L, int D, int C>
  layer<T, L, D, C> realise(const detail::index_table<D>& position) const {
    return layer<T, L, D, C>(position);
  }
  std::string text() const { return "radial"; }
};

/// A radial flow: `normal<2> | radial | radial`. Parameters: x0 (D), alpha' and beta'.
inline constexpr radial_t radial{};

} // namespace bijou::inline BIJOU_ISA

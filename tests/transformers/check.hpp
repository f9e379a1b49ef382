#pragma once
// What every transformer must satisfy, whatever its formula: the checks that their tests share.

#include <bijou/kernels/math.hpp>
#include <bijou/transformers/transformer.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "../support/numerics.hpp"
#include "catch.hpp"

namespace transformer_check {

using namespace bijou;

template <class T> struct mapped_value {
  T value, log_slope;
};

// A transformer with one theta, seen as scalar functions: all lanes alike, lane 0 answers.
template <class T, class F> struct single {
  using P = simd::pack<T>;
  F f;
  std::vector<T> theta;

  theta_broadcast<T> rows() const { return {theta.data(), 1}; }
  static T joined(mapped<P> m) {
    return F::has_factor ? (m.log_slope - math::log1p(m.factor))[0] : m.log_slope[0];
  }
  mapped_value<T> forward(T x) const {
    const auto m = f.forward(P(x), rows());
    return {m.value[0], joined(m)};
  }
  mapped_value<T> inverse(T y) const {
    const auto m = f.inverse(P(y), rows());
    return {m.value[0], joined(m)};
  }
  slopes<T> slope(T x) const {
    const auto s = f.slope(P(x), rows());
    return {s.slope[0], s.dlog[0]};
  }
  // Cotangents: theta's, then x's.
  std::vector<T> pull_back(T x, T gy, T gl) const {
    std::vector<T> g(theta.size() * P::size, std::numeric_limits<T>::quiet_NaN());
    const P gx = f.pull_back(P(x), rows(), P(gy), P(gl), theta_sink<T>{g.data(), P::size});
    std::vector<T> out;
    for (std::size_t j = 0; j < theta.size(); ++j) out.push_back(g[j * P::size]);
    out.push_back(gx[0]);
    return out;
  }
  // The adjoint of the inverse, the transformer's own or as transformer.hpp states it: theta's,
  // then y's.
  std::vector<T> pull_back_inverse(T y, T gx, T gl) const {
    std::vector<T> g(theta.size() * P::size, std::numeric_limits<T>::quiet_NaN());
    const P gy = detail::pull_back_inverse(f, P(inverse(y).value), P(y), rows(), P(gx), P(gl),
                                           theta_sink<T>{g.data(), P::size});
    std::vector<T> out;
    for (std::size_t j = 0; j < theta.size(); ++j) out.push_back(g[j * P::size]);
    out.push_back(gy[0]);
    return out;
  }
};

template <class T, class F> std::vector<T> random_theta(const F&, std::mt19937& rng, double scale) {
  std::normal_distribution<double> normal(0, scale);
  std::vector<T> theta(F::parameters);
  for (T& v : theta) v = static_cast<T>(static_cast<float>(normal(rng)));
  return theta;
}

// How far central differences of `g` at p with step h differ from `expected`, over their size.
template <class G> double difference_error(G g, double p, double h, double expected) {
  const double d = (g(p + h) - g(p - h)) / (2 * h);
  return std::abs(d - expected) / std::max({1.0, std::abs(d), std::abs(expected)});
}

// All derivatives of a transformer in double against central differences of its own maps.
template <class F>
void check_derivatives(const single<double, F>& t, double x, double tolerance,
                       bool differentiable_in_theta = true) {
  constexpr double h = 1e-5;
  const auto at = t.forward(x);
  const auto s = t.slope(x);
  const double steep = std::abs(s.slope);
  INFO("x = " << x << ", slope " << s.slope << ", dlog " << s.dlog);
  CHECK(steep == Approx(std::exp(at.log_slope)).epsilon(1e-12));
  CHECK(difference_error([&](double v) { return t.forward(v).value; }, x, h, s.slope) < tolerance);
  CHECK(difference_error([&](double v) { return t.forward(v).log_slope; }, x, h, s.dlog) <
        tolerance);

  const double gv = 0.75, gl = -1.25;
  auto nudged = t;
  const auto g = t.pull_back(x, gv, gl);
  const auto inverse_g = t.pull_back_inverse(at.value, gv, gl);
  for (std::size_t j = 0; j < t.theta.size() && differentiable_in_theta; ++j) {
    INFO("theta[" << j << "] = " << t.theta[j]);
    const auto forward = [&](double v) {
      nudged.theta[j] = v;
      const auto m = nudged.forward(x);
      return gv * m.value + gl * m.log_slope;
    };
    const auto inverse = [&](double v) {
      nudged.theta[j] = v;
      const auto m = nudged.inverse(at.value);
      return gv * m.value - gl * m.log_slope;
    };
    CHECK(difference_error(forward, t.theta[j], h, g[j]) < tolerance);
    CHECK(difference_error(inverse, t.theta[j], h, inverse_g[j]) <
          tolerance / std::min(1.0, steep));
    nudged.theta[j] = t.theta[j];
  }
  const auto in_x = [&](double v) {
    const auto m = t.forward(v);
    return gv * m.value + gl * m.log_slope;
  };
  CHECK(difference_error(in_x, x, h, g.back()) < tolerance);
  const auto in_y = [&](double v) {
    const auto m = t.inverse(v);
    return gv * m.value - gl * m.log_slope;
  };
  CHECK(difference_error(in_y, at.value, h * std::min(1.0, steep), inverse_g.back()) <
        tolerance / std::min(1.0, steep));
}

// inverse(forward(x)) = x, to `ulps` roundings of what enters the sums: x itself, y as steeply as
// the inverse magnifies it, and `location`, the size of the theta that values are shifted by. The
// inverse's log slope is that of forward at the x that it returns.
template <class T, class F>
void check_round_trip(const single<T, F>& t, T x, double location, double ulps) {
  const double unit = ulps * std::numeric_limits<T>::epsilon();
  const auto at = t.forward(x);
  const double slope = std::abs(t.slope(x).slope);
  INFO("x = " << x << ", y = " << at.value << ", slope " << slope);
  REQUIRE(std::isfinite(at.value));
  REQUIRE(std::isfinite(at.log_slope));
  const auto back = t.inverse(at.value);
  CHECK(std::abs(double(back.value) - double(x)) <=
        unit * (std::abs(double(x)) +
                (std::abs(double(at.value)) + location) * std::max(1.0, 1 / slope)));
  const double dlog = t.slope(back.value).dlog;
  CHECK(std::abs(double(back.log_slope) - double(t.forward(back.value).log_slope)) <=
        unit * (1 + std::abs(double(at.log_slope)) +
                std::abs(dlog) * (std::abs(double(back.value)) + location)));
}

// float does what double does, on the same numbers, to `ulps` roundings of `location`, x and y;
// cotangents to as many of the largest of them.
template <class F>
void check_float(const F& f, const std::vector<float>& theta, float x, double location,
                 double ulps) {
  const double eps = std::numeric_limits<float>::epsilon();
  const single<float, F> narrow{f, theta};
  const single<double, F> wide{f, std::vector<double>(theta.begin(), theta.end())};
  const auto a = narrow.forward(x);
  const auto b = wide.forward(double(x));
  const auto s = wide.slope(double(x));
  INFO("x = " << x << ", slope " << s.slope << ", dlog " << s.dlog);
  const double dx = eps * (std::abs(double(x)) + location);
  CHECK(std::abs(a.value - b.value) <=
        ulps * (std::abs(s.slope) * dx + eps * (std::abs(b.value) + location)));
  CHECK(std::abs(a.log_slope - b.log_slope) <=
        ulps * (eps * (1 + std::abs(b.log_slope)) + std::abs(s.dlog) * dx));
  const auto ga = narrow.pull_back(x, 0.75F, -1.25F);
  const auto gb = wide.pull_back(double(x), 0.75, -1.25);
  double largest = 1;
  for (const double v : gb) largest = testing::worse(largest, std::abs(v));
  for (std::size_t j = 0; j < ga.size(); ++j) {
    INFO("cotangent " << j << ": " << ga[j] << " for " << gb[j]);
    CHECK(std::abs(double(ga[j]) - gb[j]) <=
          ulps * (1 + std::abs(s.dlog) * (1 + location)) * eps * largest);
  }
}

// Lanes do not see one another: each gives the bits that it gives when all lanes are like it, even
// beside NaN and infinities, and with parameters of its own.
template <class T, class F> void check_lanes(const F& f, std::mt19937& rng) {
  using P = simd::pack<T>;
  std::normal_distribution<double> normal(0, 2);
  alignas(64) T x[unsigned{P::size}];
  std::vector<T> theta(static_cast<std::size_t>(F::parameters * P::size));
  for (T& v : theta) v = static_cast<T>(normal(rng));
  for (T& v : x) v = static_cast<T>(normal(rng));
  x[0] = std::numeric_limits<T>::quiet_NaN();
  if (P::size > 2) x[2] = std::numeric_limits<T>::infinity();
  const auto same = [](T a, T b) {
    return std::memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b);
  };
  const theta_rows<T> rows{theta.data(), P::size};
  const auto y = f.forward(P::load(x), rows);
  const auto z = f.inverse(P::load(x), rows);
  std::vector<T> g(theta.size());
  const P gx = f.pull_back(P::load(x), rows, P(T(0.5)), P(T(-2)), theta_sink<T>{g.data(), P::size});
  for (int i = 0; i < P::size; ++i) {
    single<T, F> alone{f, std::vector<T>(F::parameters)};
    for (int j = 0; j < F::parameters; ++j)
      alone.theta[static_cast<std::size_t>(j)] = theta[static_cast<std::size_t>(j * P::size + i)];
    CHECK(same(y.value[i], alone.forward(x[i]).value));
    CHECK(same(z.value[i], alone.inverse(x[i]).value));
    const auto ga = alone.pull_back(x[i], T(0.5), T(-2));
    for (int j = 0; j < F::parameters; ++j)
      CHECK(same(g[static_cast<std::size_t>(j * P::size + i)], ga[static_cast<std::size_t>(j)]));
    CHECK(same(gx[i], ga.back()));
  }
}

// NaN in x gives NaN in value and log slope or in value and cotangent; NaN in theta likewise.
template <class T, class F> void check_nan(const F& f, std::mt19937& rng) {
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  single<T, F> t{f, random_theta<T>(f, rng, 1)};
  CHECK(std::isnan(t.forward(nan).value));
  CHECK(std::isnan(t.inverse(nan).value));
  // The first two at most: the later ones of a spline do not steer every bin.
  for (std::size_t j = 0; j < std::min<std::size_t>(2, F::parameters); ++j) {
    auto bad = t;
    bad.theta[j] = nan;
    CHECK(std::isnan(bad.forward(T(0.3)).value));
    CHECK(std::isnan(bad.inverse(T(0.3)).value));
  }
}

// What forward keeps gives the cotangents of pull_back to a few roundings, for parameters of any
// size; keeping changes no bit of what forward gives. A NaN in theta shows.
template <class T, keeping_transformer F> void check_kept(const F& f, std::mt19937& rng) {
  using P = simd::pack<T>;
  constexpr auto size = static_cast<std::size_t>(F::parameters * P::size);
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  std::normal_distribution<double> normal;
  const auto draw = [&](double scale) {
    std::vector<T> v(P::size);
    for (T& e : v) e = static_cast<T>(scale * normal(rng));
    return v;
  };
  for (const double scale : {0.5, 4.0, 30.0, 200.0})
    for (int trial = 0; trial < 20; ++trial) {
      std::vector<T> theta(size), g(size), kept_g(size);
      for (T& v : theta) v = static_cast<T>(scale * normal(rng));
      if (trial == 0) theta.back() = nan;
      std::vector<T> kept = theta;
      const auto x = draw(3), gy = draw(1), gl = draw(1);
      const P px = P::load(x.data()), pgy = P::load(gy.data()), pgl = P::load(gl.data());
      const theta_rows<T> rows{theta.data(), P::size};
      const auto y = f.forward(px, rows);
      const auto z =
          f.forward(px, theta_rows<T>{kept.data(), P::size}, theta_sink<T>{kept.data(), P::size});
      const P gx = f.pull_back(px, rows, pgy, pgl, theta_sink<T>{g.data(), P::size});
      const P kept_gx = f.pull_back_kept(px, theta_rows<T>{kept.data(), P::size}, pgy, pgl,
                                         theta_sink<T>{kept_g.data(), P::size});
      // The last cotangent is a sum, gy s (x - m) + gl: its roundings are those of its terms.
      const auto close = [](T a, T b, T terms) {
        if (std::isnan(b)) return std::isnan(a);
        return std::abs(a - b) <= 8 * std::numeric_limits<T>::epsilon() * terms;
      };
      for (int i = 0; i < P::size; ++i) {
        const auto lane = static_cast<std::size_t>(i);
        const auto same = [](T a, T b) { return std::memcmp(&a, &b, sizeof a) == 0 || a != a; };
        CHECK(same(y.value[i], z.value[i]));
        CHECK(same(y.log_slope[i], z.log_slope[i]));
        CHECK(same(y.factor[i], z.factor[i]));
        CHECK(close(kept_gx[i], gx[i], std::abs(gx[i])));
        for (std::size_t j = 0; j < F::parameters; ++j) {
          const std::size_t at = j * P::size + lane;
          const T reach = std::abs(gx[i]) * (std::abs(x[lane]) + std::abs(theta[lane]));
          CHECK(close(kept_g[at], g[at],
                      j == 0 ? std::abs(g[at]) : std::abs(g[at]) + reach + std::abs(gl[lane])));
        }
      }
    }
}

} // namespace transformer_check

#pragma once
// Integrands on the unit box whose integrals are known.

#include <bijou/random/philox.hpp>
#include <bijou/random/uniform.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numbers>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace integrands {

template <int D> using point = std::span<const double, static_cast<std::size_t>(D)>;

template <int D> struct integrand {
  std::string name;
  std::function<double(point<D>)> f;
  double integral;
};

/// Two Gaussians on the diagonal, at 1/3 and 2/3, of deviation 0.2 / sqrt(2) along each axis: the
/// camel of Lepage 1978. All that lies in the line between its humps and off it is empty, which a
/// product of densities of single variables cannot say.
template <int D> integrand<D> camel() {
  constexpr double width = 0.2;
  const double scale = 0.5 * std::pow(width * std::sqrt(std::numbers::pi), -D);
  const auto f = [scale](point<D> x) {
    double low = 0, high = 0;
    for (const double v : x) {
      low += (v - 1.0 / 3) * (v - 1.0 / 3);
      high += (v - 2.0 / 3) * (v - 2.0 / 3);
    }
    return scale * (std::exp(-low / (width * width)) + std::exp(-high / (width * width)));
  };
  const double along_an_axis = 0.5 * (std::erf(1 / (3 * width)) + std::erf(2 / (3 * width)));
  return {"camel, D = " + std::to_string(D), f, std::pow(along_an_axis, D)};
}

/// Simpson's rule on [a, b], an even number of steps.
template <class F> double simpson(double a, double b, int steps, const F& f) {
  const double h = (b - a) / steps;
  double sum = f(a) + f(b);
  for (int i = 1; i < steps; ++i) sum += (i % 2 == 1 ? 4 : 2) * f(a + i * h);
  return sum * h / 3;
}

/// Two resonances of mass M and width G that share the energy E: squared masses s1, s2 (x1, x2 in
/// units of E^2), the polar angles' cosines c1, c2 of their decays (x3, x4), the angle between the
/// planes of the decays (x5).
///
///     E^4 BW(s1) BW(s2) sqrt(lambda(E^2, s1, s2)) / E^2
///       (1 + v (P2(c1) P2(c2) + c1 c2 sin1 sin2 cos(phi))),   BW(s) = M G / pi / ((s - M^2)^2 + (M
///       G)^2)
///
/// with lambda the Källén function, 0 where the masses exceed E, v = sqrt(lambda) / E^2. In Z
/// bosons of 200 GeV: 18 GeV above the threshold that cuts the peaks' product askew.
class resonances {
 public:
  static integrand<5> pair() {
    return {"two resonances, D = 5", [](point<5> x) { return density(x); }, integral()};
  }

 private:
  static constexpr double energy = 200, mass = 91.19, width = 2.50; // GeV
  static constexpr double s = energy * energy;

  static double breit_wigner(double squared) {
    const double off = squared - mass * mass;
    return mass * width / std::numbers::pi / (off * off + mass * mass * width * width);
  }
  /// sqrt(lambda) / s.
  static double velocity(double s1, double s2) {
    if (std::sqrt(s1) + std::sqrt(s2) >= energy) return 0;
    const double rest = s - s1 - s2;
    return std::sqrt(std::max(rest * rest - 4 * s1 * s2, 0.0)) / s;
  }
  static double density(point<5> x) {
    const double s1 = s * x[0], s2 = s * x[1];
    const double c1 = 2 * x[2] - 1, c2 = 2 * x[3] - 1;
    const double phi = 2 * std::numbers::pi * x[4];
    const auto legendre = [](double c) { return 0.5 * (3 * c * c - 1); };
    const auto sine = [](double c) { return std::sqrt(std::max(1 - c * c, 0.0)); };
    const double v = velocity(s1, s2);
    return s * s * breit_wigner(s1) * breit_wigner(s2) * v *
           (1 + v * (legendre(c1) * legendre(c2) + c1 * c2 * sine(c1) * sine(c2) * std::cos(phi)));
  }
  /// The angles integrate to 1. s1 by the tangent that flattens its peak; s2 by the square root
  /// that smooths the threshold.
  static double integral() {
    const double mg = mass * width;
    const auto over_s2 = [](double s1) {
      const double end = std::pow(energy - std::sqrt(s1), 2);
      return simpson(0, 1, 4000, [&](double u) {
        const double s2 = end * (1 - u * u);
        return 2 * u * end * breit_wigner(s2) * velocity(s1, s2);
      });
    };
    return simpson(std::atan(-mass / width), std::atan((s - mass * mass) / mg), 2000,
                   [&](double angle) {
                     const double s1 = std::clamp(mass * mass + mg * std::tan(angle), 0.0, s);
                     return over_s2(s1) / std::numbers::pi;
                   });
  }
};

/// The six families of Genz, "Testing multidimensional integration routines", 1984: difficulties a
/// scaled as there, places u; both random, the same every time.
template <int D> class genz {
 public:
  static std::vector<integrand<D>> families() {
    return {oscillatory(), product_peak(), corner_peak(),
            gaussian(),    continuous(),   discontinuous()};
  }

 private:
  using vector = std::array<double, static_cast<std::size_t>(D)>;
  struct parameters {
    vector a{}, u{};
  };
  /// sum a = total / D^power.
  static parameters random(std::uint64_t number, double total, double power) {
    parameters p;
    bijou::philox stream(1984);
    stream.advance(2 * number);
    bijou::fill_uniform(stream, 2 * number, std::span<double>(p.a));
    bijou::fill_uniform(stream, 2 * number + 1, std::span<double>(p.u));
    const double sum = std::accumulate(p.a.begin(), p.a.end(), 0.0);
    for (double& a : p.a) a *= total / std::pow(D, power) / sum;
    return p;
  }
  static std::string named(const char* family) {
    return std::string("Genz: ") + family + ", D = " + std::to_string(D);
  }
  template <class F> static double product(const parameters& p, const F& f) {
    double result = 1;
    for (std::size_t d = 0; d < D; ++d) result *= f(p.a[d], p.u[d]);
    return result;
  }

  static integrand<D> oscillatory() {
    const auto p = random(1, 110, 1.5);
    const auto f = [p](point<D> x) {
      return std::cos(2 * std::numbers::pi * p.u[0] +
                      std::inner_product(x.begin(), x.end(), p.a.begin(), 0.0));
    };
    using complex = std::complex<double>;
    complex integral = std::polar(1.0, 2 * std::numbers::pi * p.u[0]);
    for (const double a : p.a) integral *= (std::polar(1.0, a) - 1.0) / complex(0, a);
    return {named("oscillatory"), f, integral.real()};
  }
  static integrand<D> product_peak() {
    const auto p = random(2, 600, 2);
    const auto f = [p](point<D> x) {
      double result = 1;
      for (std::size_t d = 0; d < D; ++d)
        result /= 1 / (p.a[d] * p.a[d]) + (x[d] - p.u[d]) * (x[d] - p.u[d]);
      return result;
    };
    return {named("product peak"), f, product(p, [](double a, double u) {
              return a * (std::atan(a * (1 - u)) + std::atan(a * u));
            })};
  }
  static integrand<D> corner_peak() {
    const auto p = random(3, 600, 2);
    const auto f = [p](point<D> x) {
      return std::pow(1 + std::inner_product(x.begin(), x.end(), p.a.begin(), 0.0), -(D + 1));
    };
    double integral = 0; // over the corners, with alternating signs
    for (std::uint32_t corner = 0; corner < (1U << D); ++corner) {
      double sum = 1, sign = 1;
      for (std::size_t d = 0; d < D; ++d)
        if ((corner >> d & 1U) != 0) sum += p.a[d], sign = -sign;
      integral += sign / sum;
    }
    double scale = 1;
    for (std::size_t d = 0; d < D; ++d) scale *= p.a[d] * static_cast<double>(d + 1);
    return {named("corner peak"), f, integral / scale};
  }
  static integrand<D> gaussian() {
    const auto p = random(4, 100, 1);
    const auto f = [p](point<D> x) {
      double sum = 0;
      for (std::size_t d = 0; d < D; ++d)
        sum += p.a[d] * p.a[d] * (x[d] - p.u[d]) * (x[d] - p.u[d]);
      return std::exp(-sum);
    };
    return {named("Gaussian"), f, product(p, [](double a, double u) {
              return std::sqrt(std::numbers::pi) / (2 * a) *
                     (std::erf(a * (1 - u)) + std::erf(a * u));
            })};
  }
  static integrand<D> continuous() {
    const auto p = random(5, 150, 2);
    const auto f = [p](point<D> x) {
      double sum = 0;
      for (std::size_t d = 0; d < D; ++d) sum += p.a[d] * std::abs(x[d] - p.u[d]);
      return std::exp(-sum);
    };
    return {named("continuous"), f, product(p, [](double a, double u) {
              return (2 - std::exp(-a * u) - std::exp(-a * (1 - u))) / a;
            })};
  }
  static integrand<D> discontinuous() {
    const auto p = random(6, 100, 2);
    const auto f = [p](point<D> x) {
      if (x[0] > p.u[0] || x[1] > p.u[1]) return 0.0;
      return std::exp(std::inner_product(x.begin(), x.end(), p.a.begin(), 0.0));
    };
    double integral = 1;
    for (std::size_t d = 0; d < D; ++d)
      integral *= std::expm1(p.a[d] * (d < 2 ? p.u[d] : 1)) / p.a[d];
    return {named("discontinuous"), f, integral};
  }
};

} // namespace integrands

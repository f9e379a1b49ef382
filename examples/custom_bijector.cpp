// A bijector of one's own: three formulas, written once for scalars and registers of lanes.
//
// y = exp(a + b x) turns a normal into a log-normal, whose density is known in closed form.
#include <bijou/bijou.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numbers>

using namespace bijou;

struct affine_exp {
  float a, b;
  static constexpr auto image = kind::positive; // what follows is told, and so is log_prob

  template <class X> X forward(X x) const {
    using bijou::math::exp; // for lanes and for dual numbers over them, which give the gradients
    return exp(X(a) + X(b) * x);
  }
  template <class X> X inverse(X y) const {
    using bijou::math::log;
    return (log(y) - X(a)) / X(b);
  }
  /// log|dy/dx| = a + b x + log|b|
  template <class X> X log_abs_slope(X x) const {
    return X(a) + X(b) * x + X(std::log(std::abs(b)));
  }
};

int main() {
  const float mu = 0.3F, sigma = 0.5F;
  const auto q = make_flow<double>(normal<1> | elementwise(affine_exp{mu, sigma}));

  double worst = 0;
  bool close = true;
  std::printf("     y    log p     log-normal\n");
  for (const double y : {0.2, 0.7, 1.0, 1.9, 6.0}) {
    const double z = (std::log(y) - double{mu}) / double{sigma};
    const double exact =
        -0.5 * z * z - std::log(y * double{sigma}) - 0.5 * std::log(2 * std::numbers::pi);
    const double log_p = q.log_prob(xt::xtensor<double, 2>{{y}})(0);
    worst = std::max(worst, std::abs(log_p - exact));
    close = close && std::abs(log_p - exact) < 1e-7; // not so for NaN, which std::max forgets
    std::printf("%6.2f %9.5f %9.5f\n", y, log_p, exact);
  }
  std::printf("largest difference: %.1e nats\n", worst);
  const double outside = q.log_prob(xt::xtensor<double, 2>{{-1.0}})(0);
  std::printf("log p of -1, outside the support: %g\n", outside);
  // log|b| is rounded to float once, in the member function above.
  return close && outside == -std::numeric_limits<double>::infinity() ? 0 : 1;
}

/// \file
/// exponential<D>: its density on the positive numbers, its numbers by the quantile function, and
/// flows that go from there to the line.

#include "../flow/check.hpp"
#include "check.hpp"

using namespace bijou;
using testing::real;

namespace {
/// A law as a user writes it: the exponential distribution of mean 4.
struct slow_decay {
  static constexpr const char* name = "slow_decay";
  static constexpr kind support = kind::positive;
  template <class P> static P log_shape(P x) { return x * P(-0.25F); }
  static double log_scale() { return -std::log(4.0); }
  template <class P> static P score(P x) { return select(math::isnan(x), x, P(-0.25F)); }
  template <class B> static auto number(B word) {
    const auto x = exponential_law::number(word);
    return (x + x) + (x + x);
  }
};

real log_density(real x) { return -x; }
real score(real) { return -1; }
double distribution(double x) { return -std::expm1(-x); }
} // namespace

TEMPLATE_TEST_CASE("exponential: density and score", "[bases]", float, double) {
  using T = TestType;
  testing::check_density<T>(exponential<1>, {1e-37, 1e-10, 0.01, 0.5, 1, 2.5, 40, 1e5, 1e37},
                            log_density, score);
  using P = simd::pack<T>;
  CHECK(std::isnan(exponential<1>.score(P(std::numeric_limits<T>::quiet_NaN()), 0)[0]));
}

TEMPLATE_TEST_CASE("exponential: samples", "[bases]", float, double) {
  using T = TestType;
  testing::check_samples<T>(exponential<3>, distribution, 1, 1);
  testing::check_bits_of_noise<T>(exponential<1>);
  testing::check_bits_of_noise<T>(exponential<7>);
  testing::check_numbers<T>(exponential<5>, [](real u, bool last) {
    return last ? -std::log(u / 2) : -std::log1p(-u / 2);
  });
}

TEMPLATE_TEST_CASE("independent_t makes a base of a law of one's own", "[bases]", float, double) {
  using T = TestType;
  constexpr independent_t<slow_decay, 3> base{};
  CHECK(make_flow<T>(base | inverse(exp_map)).text() == "slow_decay<3> | inverse(exp_map)");
  testing::check_density<T>(
      independent_t<slow_decay, 1>{}, {1e-30, 0.5, 12, 1e6},
      [](real x) { return -x / 4 - std::log(4.0L); }, [](real) { return real{-0.25L}; });
  testing::check_samples<T>(
      base, [](double x) { return -std::expm1(-x / 4); }, 4, 16);
}

TEST_CASE("exponential: the integral is 1", "[bases]") {
  CHECK(testing::integral_of(exponential<1>) == Approx(1).epsilon(1e-6));
}

TEMPLATE_TEST_CASE("exponential: the ends of its support", "[bases]", float, double) {
  using T = TestType;
  const auto f = testing::make_subject<T>(exponential<2>);
  constexpr T inf = std::numeric_limits<T>::infinity(), tiny = std::numeric_limits<T>::denorm_min();
  CHECK(f.log_prob({tiny, T(1)}, {})[0] == -1);
  for (const T outside : {T(0), T(-0.0), -tiny, T(-1), inf, -inf}) {
    CHECK(f.log_prob({outside, T(1)}, {})[0] == -inf);
    CHECK(f.log_prob({T(1), outside}, {})[0] == -inf);
  }
  CHECK(std::isnan(f.log_prob({std::numeric_limits<T>::quiet_NaN(), T(1)}, {})[0]));
  // Given noise is not compared with the support by the flow.
  for (const T outside : {-tiny, T(-1), inf, -inf})
    CHECK(f.sample_from({outside, T(1)}, {}).log_det[0] == -inf);
}

TEMPLATE_TEST_CASE("exponential: its logarithm is minus Gumbel's", "[bases]", float, double) {
  using T = TestType;
  const auto f = testing::make_subject<T>(exponential<1> | inverse(exp_map));
  const auto g = testing::make_subject<T>(gumbel<1>);
  for (const double y : {-20.0, -3.0, -0.5, 0.0, 0.1, 2.0, 4.0})
    CHECK(testing::near(f.log_prob({static_cast<T>(y)}, {})[0],
                        double{g.log_prob({static_cast<T>(-y)}, {})[0]},
                        std::exp(std::abs(y)) * 8 * std::numeric_limits<T>::epsilon()));
}

TEST_CASE("exponential: flows over it", "[bases]") {
  testing::check_isolation(testing::make_subject<double>(exponential<2>));
  testing::check_expression(exponential<3> | inverse(softplus_map) | affine | iaf<8>);
}

/// \file
/// The functions of <cmath> on packs and duals: what bijou's own give, to the last bit, alone and
/// beside all that a user may have brought into sight.

#include <bijou/bijou.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <type_traits>
#include <vector>

#include "../catch.hpp"

using namespace bijou;

namespace {

template <class T> bool same(simd::pack<T> a, simd::pack<T> b) {
  bool all = true;
  for (int i = 0; i < simd::pack<T>::size; ++i) all = all && a[i] == b[i];
  return all;
}
template <class P> bool same(dual<P> a, dual<P> b) {
  return same(a.value, b.value) && same(a.derivative, b.derivative);
}
template <class T> bool same(simd::mask<T> a, simd::mask<T> b) {
  return same(select(a, simd::pack<T>(T(1)), simd::pack<T>(T(0))),
              select(b, simd::pack<T>(T(1)), simd::pack<T>(T(0))));
}

/// x in (0, 1) on every lane, y another.
template <class X> void check(X x, X y) {
  CHECK(same(std::atan(x), math::atan(x)));
  CHECK(same(std::exp(x), math::exp(x)));
  CHECK(same(std::expm1(x), math::expm1(x)));
  CHECK(same(std::log(x), math::log(x)));
  CHECK(same(std::log1p(x), math::log1p(x)));
  CHECK(same(std::sqrt(x), math::sqrt(x)));
  CHECK(same(std::tanh(x), math::tanh(x)));
  CHECK(same(std::sin(x), math::sin(x)));
  CHECK(same(std::cos(x), math::cos(x)));
  CHECK(same(std::abs(-x), x));
  CHECK(same(std::fabs(-x), x));
  CHECK(same(std::min(x, y), math::min(x, y)));
  CHECK(same(std::max(x, y), math::max(x, y)));
  CHECK(same(std::fma(x, y, x), math::fma(x, y, x)));
  CHECK(same(std::isnan(x), math::isnan(x)));
  CHECK(same(std::isnan(x / x * (x - x) / (x - x)), math::isnan((x - x) / (x - x))));
}

template <class T> simd::pack<T> spread(T from) {
  return from + simd::iota<T>() / simd::pack<T>(T(2 * simd::pack<T>::size));
}

} // namespace

TEMPLATE_TEST_CASE("std:: functions of packs and duals are bijou's", "[kernels]", float, double) {
  using P = simd::pack<TestType>;
  const P x = spread(TestType(0.2)), y = spread(TestType(0.7)) * P(TestType(0.6));
  check(x, y);
  check(dual<P>(x, y), dual<P>(y, x));
  check(dual<dual<P>>(dual<P>(x, y), dual<P>(y, x)).value, dual<P>(y, x));
}

namespace everything_in_sight {
using namespace std;
using namespace bijou::math;

template <class X> X formula(X x) { return exp(-x * x) + log1p(abs(x)) + max(x, sqrt(x)); }
} // namespace everything_in_sight

TEST_CASE("std:: functions beside those of bijou: no doubt which, and none for plain numbers",
          "[kernels]") {
  using P = simd::pack<double>;
  const P x = spread(0.3);
  const P right = math::exp(-x * x) + math::log1p(x) + math::max(x, math::sqrt(x));
  CHECK(same(everything_in_sight::formula(x), right));
  CHECK(same(everything_in_sight::formula(dual<P>(x)).value, right));
  // The C library's, whose bits are not bijou's.
  static_assert(std::same_as<decltype(std::exp(1.0F)), float>);
  static_assert(std::same_as<decltype(std::exp(1)), double>);
  static_assert(std::same_as<decltype(std::max(1.0, 2.0)), const double&>);
  static_assert(std::same_as<decltype(std::pow(2, 0.5)), double>);
}

namespace {

/// y = e^x and its inverse in both spellings.
struct by_std {
  static constexpr auto image = kind::positive;
  template <class X> X forward(X x) const { return std::exp(x); }
  template <class X> X inverse(X y) const { return std::log(y); }
  template <class X> X log_abs_slope(X x) const { return x; }
};
struct by_math {
  static constexpr auto image = kind::positive;
  template <class X> X forward(X x) const { return math::exp(x); }
  template <class X> X inverse(X y) const { return math::log(y); }
  template <class X> X log_abs_slope(X x) const { return x; }
};

} // namespace

TEMPLATE_TEST_CASE("words and targets may say std::", "[kernels]", float, double) {
  using T = TestType;
  const auto p = make_flow<T>(normal<2> | elementwise(by_std{}));
  const auto q = make_flow<T>(normal<2> | elementwise(by_math{}));
  philox one{3}, other{3};
  const auto a = p.sample_and_log_prob(one, 100);
  const auto b = q.sample_and_log_prob(other, 100);
  CHECK(std::equal(a.samples.begin(), a.samples.end(), b.samples.begin()));
  CHECK(std::equal(a.log_prob.begin(), a.log_prob.end(), b.log_prob.begin()));

  auto r = make_flow<T>(normal<2> | iaf<8>);
  auto ws = r.make_gradient_workspace();
  const auto gradient_of = [&](const auto& target) {
    std::vector<T> g(r.parameters().size());
    elbo(target).accumulate(r, std::span<T>(g), ws);
    return g;
  };
  CHECK(gradient_of([](const auto& x) { return -std::exp(x[0]) - std::sqrt(x[1] * x[1] + 1); }) ==
        gradient_of([](const auto& x) { return -math::exp(x[0]) - math::sqrt(x[1] * x[1] + 1); }));
}

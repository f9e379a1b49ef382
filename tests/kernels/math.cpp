// The errors documented in kernels/math.hpp and kernels/atan.hpp, enforced on this instruction set
// against long double.
#include <bijou/kernels/atan.hpp>
#include <bijou/kernels/math.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "../catch.hpp"
#include "../support/emulated.hpp"

namespace math = bijou::math;
using bijou::simd::pack;
using bijou::simd::word;

namespace {

constexpr std::size_t arguments = bijou::testing::emulated ? 1 << 13 : 1 << 16;

template <class T> constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T> constexpr T quiet_nan = std::numeric_limits<T>::quiet_NaN();

long double softplus_reference(long double x) {
  return std::fmax(x, 0.0L) + std::log1p(std::exp(-std::fabs(x)));
}
long double sigmoid_reference(long double x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}
/// sin(2 pi (u + quarters / 4)), by quarter turns so that pi costs no digits.
long double sin_turn(long double u, int quarters) {
  const long double turn = std::nearbyint(u * 4);
  const long double angle = (u - turn / 4) * 6.283185307179586476925286766559L;
  switch ((static_cast<int>(turn) + quarters) & 3) {
  case 0:
    return std::sin(angle);
  case 1:
    return std::cos(angle);
  case 2:
    return -std::sin(angle);
  default:
    return -std::cos(angle);
  }
}

/// Error in units in the last place of the reference. Results too large for T must be infinite;
/// where the reference is subnormal, `flushes` allows 0.
template <class T> double ulps(T actual, long double expected, bool flushes) {
  constexpr double wrong = std::numeric_limits<double>::infinity();
  using limits = std::numeric_limits<T>;
  if (std::isnan(actual) || std::isnan(expected))
    return std::isnan(actual) && std::isnan(expected) ? 0 : wrong;
  const long double largest = limits::max(), size = std::fabs(expected);
  if (std::isinf(actual)) {
    const bool beyond = size >= largest * (1 + static_cast<long double>(limits::epsilon()) / 4);
    return beyond && std::signbit(actual) == std::signbit(expected) ? 0 : wrong;
  }
  if (flushes && actual == 0 && size < limits::min()) return 0;
  if (std::isinf(expected)) return wrong;
  int exponent = 0;
  std::frexp(expected, &exponent);
  exponent = std::max(exponent, limits::min_exponent);
  return static_cast<double>(std::fabs(static_cast<long double>(actual) - expected) /
                             std::ldexp(1.0L, exponent - limits::digits));
}

struct range {
  double low, high;
};

template <class T> struct function {
  std::string name;
  pack<T> (*evaluate)(pack<T>);
  T (*scalar)(T);
  long double (*reference)(long double);
  double max_ulp;
  bool flushes;
  std::vector<range> dense; // uniform arguments
  range everywhere;         // arguments of random exponent, both signs, within
  bool keeps_zero_sign;
};

// A row per function: its documented error, and where to look for it.
template <class T> std::vector<function<T>> table() {
  constexpr bool single = sizeof(T) == 4;
  constexpr double top = single ? 88.8 : 709.8, bottom = single ? -104 : -746;
  constexpr double angle = single ? 1e4 : 1e8;
  constexpr double inf = std::numeric_limits<double>::infinity();
#define BIJOU_ROW(f) #f, [](pack<T> x) { return math::f(x); }, [](T x) { return math::f(x); }
  return {
      {BIJOU_ROW(exp),
       [](long double x) { return std::exp(x); },
       1.5,
       true,
       {{bottom, top}, {-1, 1}, {-20, 20}},
       {-inf, inf},
       false},
      {BIJOU_ROW(expm1),
       [](long double x) { return std::expm1(x); },
       2,
       false,
       {{-50, top}, {-2, 2}, {0.3, 0.5}},
       {-inf, inf},
       true},
      {BIJOU_ROW(log),
       [](long double x) { return std::log(x); },
       1,
       false,
       {{0, 3}, {0.5, 2}, {0, 1000}},
       {0, inf},
       false},
      {BIJOU_ROW(log1p),
       [](long double x) { return std::log1p(x); },
       1.6,
       false,
       {{-1, 3}, {-0.3, 0.5}, {-1, 1000}},
       {-1, inf},
       true},
      {BIJOU_ROW(softplus),
       softplus_reference,
       2,
       true,
       {{bottom, -bottom}, {-3, 3}, {-20, 20}},
       {-inf, inf},
       false},
      {BIJOU_ROW(log_sigmoid),
       [](long double x) { return -softplus_reference(-x); },
       2,
       true,
       {{bottom, -bottom}, {-3, 3}, {-20, 20}},
       {-inf, inf},
       false},
      {BIJOU_ROW(sigmoid),
       sigmoid_reference,
       2,
       true,
       {{bottom, -bottom}, {-3, 3}, {-20, 20}},
       {-inf, inf},
       false},
      {BIJOU_ROW(tanh),
       [](long double x) { return std::tanh(x); },
       2,
       false,
       {{-25, 25}, {-1, 1}, {0.5, 0.6}},
       {-inf, inf},
       true},
      {BIJOU_ROW(atan),
       [](long double x) { return std::atan(x); },
       3,
       false,
       {{-50, 50}, {-1, 1}, {0.41, 0.42}, {2.4, 2.42}},
       {-inf, inf},
       true},
      {BIJOU_ROW(sin),
       [](long double x) { return std::sin(x); },
       4,
       false,
       {{-angle, angle}, {-7, 7}, {-0.8, 0.8}, {3.1, 3.2}},
       {-angle, angle},
       true},
      {BIJOU_ROW(cos),
       [](long double x) { return std::cos(x); },
       4,
       false,
       {{-angle, angle}, {-7, 7}, {-0.8, 0.8}, {1.5, 1.6}},
       {-angle, angle},
       false},
      {"sin 2 pi",
       [](pack<T> x) { return math::sincos_2pi(x).sin; },
       [](T x) { return first(math::sincos_2pi(pack<T>(x)).sin); },
       [](long double x) { return sin_turn(x, 0); },
       2,
       false,
       {{0, 1}},
       {0, 1},
       false},
      {"cos 2 pi",
       [](pack<T> x) { return math::sincos_2pi(x).cos; },
       [](T x) { return first(math::sincos_2pi(pack<T>(x)).cos); },
       [](long double x) { return sin_turn(x, 1); },
       2,
       false,
       {{0, 1}},
       {0, 1},
       false},
  };
#undef BIJOU_ROW
}

/// Arguments where things change: around 0, 1, powers, bounds of the format and of each function.
template <class T> std::vector<T> edges() {
  std::vector<T> result;
  const auto around = [&](double x) {
    T below = static_cast<T>(x), above = below;
    for (int i = 0; i < 5; ++i) {
      for (T v : {below, above}) {
        result.push_back(v);
        result.push_back(-v);
      }
      below = std::nextafter(below, -infinity<T>);
      above = std::nextafter(above, infinity<T>);
    }
  };
  using limits = std::numeric_limits<T>;
  for (double x : {0.0,          0.125,  0.25,         0.3465735903, 0.4142135624, 0.5,       0.55,
                   0.7071067812, 0.75,   1.0,          1.0397207708, 1.4142135624, 2.0,       16.0,
                   20.0,         40.0,   87.33654,     88.72284,     88.75,        103.97208, 104.0,
                   708.39641853, 709.75, 709.78271289, 745.13321910, 746.0,        1e4,       1e30})
    around(x);
  around(limits::min());
  around(limits::max());
  around(limits::epsilon());
  around(limits::epsilon() / 4);
  for (int n = -30; n <= 30; ++n) around(n * 0.69314718055994530942);
  return result;
}

template <class T> void check(const function<T>& f, const std::vector<T>& x) {
  constexpr std::size_t size = pack<T>::batch::size;
  double worst = 0;
  T at = 0;
  for (std::size_t i = 0; i + size <= x.size(); i += size) {
    T y[size];
    f.evaluate(pack<T>::load(x.data() + i)).store(y);
    for (std::size_t l = 0; l < size; ++l) {
      const double error = ulps(y[l], f.reference(x[i + l]), f.flushes);
      if (error > worst) worst = error, at = x[i + l];
    }
  }
  INFO(f.name << " of " << std::hexfloat << at);
  CHECK(worst <= f.max_ulp);
}

} // namespace

TEMPLATE_TEST_CASE("functions keep their documented errors", "[math]", float, double) {
  using T = TestType;
  std::mt19937_64 random(99);
  for (const auto& f : table<T>()) {
    for (const range& r : f.dense) {
      std::uniform_real_distribution<double> uniform(r.low, r.high);
      std::vector<T> x(arguments);
      for (T& v : x) v = static_cast<T>(uniform(random));
      check(f, x);
    }
    // Random bit patterns: every exponent as often, subnormal ones too.
    std::vector<T> x;
    while (x.size() < arguments) {
      const T v = std::bit_cast<T>(static_cast<word<T>>(random()));
      if (v >= f.everywhere.low && v <= f.everywhere.high) x.push_back(v);
    }
    check(f, x);
    std::vector<T> known;
    for (T v : edges<T>())
      if (v >= f.everywhere.low && v <= f.everywhere.high)
        known.insert(known.end(), pack<T>::batch::size, v);
    check(f, known);
  }
}

TEMPLATE_TEST_CASE("every function returns NaN for NaN, in its own lane only", "[math]", float,
                   double) {
  using T = TestType;
  constexpr std::size_t size = pack<T>::batch::size;
  // Quiet ones of either sign and any payload.
  const word<T> quiet = std::bit_cast<word<T>>(quiet_nan<T>);
  for (const auto& f : table<T>()) {
    for (word<T> payload : {word<T>(0), word<T>(1), word<T>(0x2aaaa), word<T>(0x3fffff)}) {
      for (word<T> sign : {word<T>(0), std::bit_cast<word<T>>(T(-0.0))}) {
        for (std::size_t lane = 0; lane < size; ++lane) {
          T x[size], y[size];
          std::fill_n(x, size, T(0.5));
          x[lane] = std::bit_cast<T>(quiet | payload | sign);
          f.evaluate(pack<T>::load(x)).store(y);
          INFO(f.name);
          for (std::size_t l = 0; l < size; ++l) REQUIRE(std::isnan(y[l]) == (l == lane));
        }
      }
    }
  }
}

TEMPLATE_TEST_CASE("functions have their limits and poles", "[math]", float, double) {
  using T = TestType;
  constexpr T inf = infinity<T>;
  using limits = std::numeric_limits<T>;
  CHECK(math::exp(inf) == inf);
  CHECK(math::exp(-inf) == 0);
  CHECK(math::exp(T(0)) == 1);
  CHECK(math::exp(limits::max()) == inf);
  CHECK(math::exp(limits::lowest()) == 0);
  // The last argument whose exponential is finite is the logarithm of the largest number, rounded
  // down (mpmath: 709.78271289338397..., 88.722839052...).
  constexpr T last = sizeof(T) == 4 ? T(0x1.62e42ep+6) : T(0x1.62e42fefa39efp+9);
  CHECK(std::isfinite(math::exp(last)));
  CHECK(math::exp(std::nextafter(last, inf)) == inf);
  CHECK(math::expm1(inf) == inf);
  CHECK(math::expm1(-inf) == -1);
  CHECK(math::log(T(0)) == -inf);
  CHECK(math::log(T(-0.0)) == -inf);
  CHECK(math::log(inf) == inf);
  CHECK(math::log(T(1)) == 0);
  CHECK(std::isnan(math::log(T(-1))));
  CHECK(std::isnan(math::log(-limits::denorm_min())));
  CHECK(std::isnan(math::log(-inf)));
  CHECK(math::log1p(T(-1)) == -inf);
  CHECK(math::log1p(inf) == inf);
  CHECK(std::isnan(math::log1p(std::nextafter(T(-1), T(-2)))));
  CHECK(std::isnan(math::log1p(-inf)));
  CHECK(math::softplus(inf) == inf);
  CHECK(math::softplus(-inf) == 0);
  CHECK(math::log_sigmoid(inf) == 0);
  CHECK(math::log_sigmoid(-inf) == -inf);
  CHECK(math::log_sigmoid(limits::lowest()) == limits::lowest());
  CHECK(math::sigmoid(inf) == 1);
  CHECK(math::sigmoid(-inf) == 0);
  CHECK(math::sigmoid(T(0)) == T(0.5));
  CHECK(math::sigmoid(limits::lowest()) == 0);
  constexpr T angle = sizeof(T) == 4 ? T(1e4) : T(1e8);
  CHECK(!std::isnan(math::sin(angle)));
  for (const T x : {std::nextafter(angle, inf), limits::max(), inf}) {
    CHECK(std::isnan(math::sin(x)));
    CHECK(std::isnan(math::cos(-x)));
  }
  CHECK(math::sin(limits::denorm_min()) == limits::denorm_min());
  CHECK(math::tanh(inf) == 1);
  CHECK(math::tanh(-inf) == -1);
  CHECK(math::atan(inf) == T(1.57079632679489661923L));
  CHECK(math::atan(-inf) == -math::atan(inf));
  for (const auto& f : table<T>()) {
    if (!f.keeps_zero_sign) continue;
    INFO(f.name);
    CHECK(f.scalar(T(0)) == 0);
    CHECK(f.scalar(T(-0.0)) == 0);
    CHECK_FALSE(std::signbit(f.scalar(T(0))));
    CHECK(std::signbit(f.scalar(T(-0.0))));
    // Near 0 these are the identity.
    CHECK(f.scalar(limits::denorm_min()) == limits::denorm_min());
    CHECK(f.scalar(-limits::min()) == -limits::min());
  }
}

TEMPLATE_TEST_CASE("functions are odd, and do not decrease", "[math]", float, double) {
  using T = TestType;
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform(-30, 30);
  for (int i = 0; i < 20000; ++i) {
    const T x = static_cast<T>(uniform(random));
    REQUIRE(math::tanh(-x) == -math::tanh(x));
    REQUIRE(math::atan(-x) == -math::atan(x));
    REQUIRE(math::log_sigmoid(-x) == -math::softplus(x));
    REQUIRE(math::tanh(x) >= -1);
    REQUIRE(math::tanh(x) <= 1);
    REQUIRE(math::sigmoid(x) >= 0);
    REQUIRE(math::sigmoid(x) <= 1);
    REQUIRE(math::softplus(x) >= std::max(x, T(0)));
    REQUIRE(math::log_sigmoid(x) <= 0);
  }
}

TEMPLATE_TEST_CASE("a scalar is a lane, bit for bit, whichever lane", "[math]", float, double) {
  using T = TestType;
  constexpr std::size_t size = pack<T>::batch::size;
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (const auto& f : table<T>()) {
    for (int i = 0; i < 2000; ++i) {
      T x[size], y[size];
      for (T& v : x) v = static_cast<T>(uniform(random));
      f.evaluate(pack<T>::load(x)).store(y);
      for (std::size_t l = 0; l < size; ++l) REQUIRE(f.scalar(x[l]) == y[l]);
    }
  }
}

namespace {

/// What a user's own differentiable number might be.
struct dial {
  double value;
  friend dial exp(dial x) { return {2 * x.value}; }
};

template <class X> X generic(X x) {
  using bijou::math::exp;
  return exp(x);
}

} // namespace

TEST_CASE("generic code finds the function of its argument's type", "[math]") {
  CHECK(generic(1.0) == math::exp(1.0));
  CHECK(generic(1.0F) == math::exp(1.0F));
  CHECK(first(generic(pack<float>(1.0F))) == math::exp(1.0F));
  CHECK(generic(dial{3}).value == 6);
}

TEMPLATE_TEST_CASE("scalars have the packs' small operations", "[math]", float, double) {
  using T = TestType;
  CHECK(math::fma(T(2), T(3), T(4)) == 10);
  CHECK(math::fnma(T(2), T(3), T(4)) == -2);
  CHECK(math::min(T(1), T(2)) == 1);
  CHECK(math::max(T(1), T(2)) == 2);
  CHECK(std::isnan(math::max(T(1), quiet_nan<T>)));
  CHECK(math::max(quiet_nan<T>, T(1)) == 1);
  CHECK(math::select(true, T(1), T(2)) == 1);
  CHECK(math::isnan(quiet_nan<T>));
  CHECK_FALSE(math::isnan(infinity<T>));
  CHECK(math::sqrt(T(9)) == 3);
  CHECK(math::abs(T(-3)) == 3);
  CHECK(math::copysign(T(3), T(-0.0)) == -3);
}

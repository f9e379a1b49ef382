#include <bijou/kernels/simd.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "../catch.hpp"

namespace simd = bijou::simd;
using simd::bits;
using simd::pack;
using simd::word;

namespace {

template <class T> constexpr T quiet_nan = std::numeric_limits<T>::quiet_NaN();

template <class T> const std::vector<T>& values() {
  using limits = std::numeric_limits<T>;
  static const std::vector<T> all = {T(0),
                                     T(-0.0),
                                     T(1),
                                     T(-1),
                                     T(3),
                                     T(-0.3),
                                     limits::min(),
                                     -limits::min(),
                                     limits::max(),
                                     limits::lowest(),
                                     T(1e-30),
                                     T(7.25),
                                     limits::epsilon(),
                                     limits::infinity(),
                                     -limits::infinity(),
                                     limits::denorm_min(),
                                     quiet_nan<T>,
                                     -quiet_nan<T>};
  return all;
}

template <class T> bool same(T a, T b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<word<T>>(a) == std::bit_cast<word<T>>(b);
}

template <class T> bool lanes(simd::mask<T> m) {
  CHECK(any(m) == all(m)); // of equal lanes
  return any(m);
}

} // namespace

TEMPLATE_TEST_CASE("packs load, store and show their lanes", "[simd]", float, double) {
  using T = TestType;
  T in[pack<T>::batch::size + 1], out[pack<T>::batch::size + 1];
  for (std::size_t i = 0; i < std::size(in); ++i) in[i] = static_cast<T>(i + 1);
  const auto p = pack<T>::load(in + 1); // at any address
  p.store(out + 1);
  for (int i = 0; i < pack<T>::size; ++i) {
    CHECK(out[i + 1] == in[i + 1]);
    CHECK(p[i] == in[i + 1]);
  }
  CHECK(first(p) == in[1]);
  CHECK(first(pack<T>(T(5))) == 5);
}

TEMPLATE_TEST_CASE("arithmetic and comparisons are IEEE", "[simd]", float, double) {
  using T = TestType;
  for (T a : values<T>()) {
    for (T b : values<T>()) {
      const pack<T> p(a), q(b);
      INFO(a << " and " << b);
      CHECK(same(first(p + q), a + b));
      CHECK(same(first(p - q), a - b));
      CHECK(same(first(p * q), a * b));
      CHECK(same(first(p / q), a / b));
      CHECK(lanes(p < q) == (a < b));
      CHECK(lanes(p <= q) == (a <= b));
      CHECK(lanes(p > q) == (a > b));
      CHECK(lanes(p >= q) == (a >= b));
      CHECK(lanes(p == q) == (a == b));
      CHECK(lanes(p != q) == (a != b)); // true for NaN
      CHECK(lanes(!(p < q)) == !(a < b));
      CHECK(lanes((p < q) & (p == p)) == (a < b));
      CHECK(lanes((p < q) | (p >= q)) == (a < b || a >= b));
      CHECK(same(first(min(p, q)), a < b ? a : b));
      CHECK(same(first(max(p, q)), a > b ? a : b));
      CHECK(same(first(copysign(p, q)), std::copysign(a, b)));
    }
    CHECK(same(first(-pack<T>(a)), -a));
    CHECK(std::signbit(first(-pack<T>(a))) != std::signbit(a));
    CHECK(same(first(abs(pack<T>(a))), std::abs(a)));
    CHECK_FALSE(std::signbit(first(abs(pack<T>(a)))));
    CHECK(same(first(sqrt(pack<T>(a))), std::sqrt(a)));
    CHECK(lanes(isnan(pack<T>(a))) == std::isnan(a));
  }
}

TEMPLATE_TEST_CASE("masks choose lane by lane", "[simd]", float, double) {
  using T = TestType;
  T x[pack<T>::batch::size];
  for (std::size_t i = 0; i < std::size(x); ++i)
    x[i] = i % 3 == 0 ? quiet_nan<T> : static_cast<T>(i);
  const auto p = pack<T>::load(x);
  const auto chosen = select(isnan(p), pack<T>(T(-1)), p);
  for (int i = 0; i < pack<T>::size; ++i) CHECK(chosen[i] == (i % 3 == 0 ? T(-1) : T(i)));
  CHECK(any(isnan(p)));
  CHECK_FALSE(all(isnan(p)));
  CHECK_FALSE(any(isnan(chosen)));
}

TEMPLATE_TEST_CASE("fma is fused where the machine can, products never fuse by themselves",
                   "[simd]", float, double) {
  using T = TestType;
#if defined(__FMA__) || defined(__aarch64__)
  constexpr bool fused = true;
#else
  constexpr bool fused = false;
#endif
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform(-2, 2);
  for (int i = 0; i < 10000; ++i) {
    const T a = static_cast<T>(uniform(random)), b = static_cast<T>(uniform(random));
    volatile T rounded = a * b; // volatile: the compiler of this test may contract as well
    const T c = -rounded;
    const pack<T> p(a), q(b), r(c);
    const T exact = static_cast<T>(std::fma(a, b, c));
    REQUIRE(first(fma(p, q, r)) == (fused ? exact : T(0)));
    REQUIRE(first(fnma(p, q, -r)) == (fused ? -exact : T(0)));
    REQUIRE(first(p * q + r) == 0);
    REQUIRE(first(-r - p * q) == 0);
    REQUIRE(first(r + p * q) == 0);
  }
}

TEMPLATE_TEST_CASE("bits are the lanes as unsigned integers", "[simd]", std::uint32_t,
                   std::uint64_t) {
  using U = TestType;
  std::mt19937_64 random(5);
  for (int i = 0; i < 1000; ++i) {
    U a[bits<U>::batch::size], b[bits<U>::batch::size], out[bits<U>::batch::size];
    for (U& x : a) x = static_cast<U>(random());
    for (U& x : b) x = static_cast<U>(random());
    const auto p = bits<U>::load(a), q = bits<U>::load(b);
    const auto agrees = [&](bits<U> r, auto f) {
      r.store(out);
      for (std::size_t l = 0; l < std::size(out); ++l) REQUIRE(out[l] == f(a[l], b[l]));
    };
    agrees(p + q, [](U x, U y) { return static_cast<U>(x + y); });
    agrees(p - q, [](U x, U y) { return static_cast<U>(x - y); });
    agrees(p & q, [](U x, U y) { return x & y; });
    agrees(p | q, [](U x, U y) { return x | y; });
    agrees(p ^ q, [](U x, U y) { return x ^ y; });
    agrees(simd::shift_left<1>(p), [](U x, U) { return static_cast<U>(x << 1); });
    agrees(simd::shift_left<23>(p), [](U x, U) { return static_cast<U>(x << 23); });
    agrees(simd::shift_right<9>(p), [](U x, U) { return x >> 9; });
    agrees(simd::shift_right<31>(p), [](U x, U) { return x >> 31; });
  }
}

TEST_CASE("low halves are multiplied to 64 bits and interleaved", "[simd]") {
  using wide = bits<std::uint64_t>;
  std::mt19937_64 random(6);
  for (int i = 0; i < 1000; ++i) {
    std::uint64_t a[wide::batch::size], b[wide::batch::size], product[wide::batch::size];
    std::uint32_t joined[2 * wide::batch::size];
    for (auto& x : a) x = random();
    for (auto& x : b) x = random();
    const auto p = wide::load(a), q = wide::load(b);
    multiply_low(p, q).store(product);
    interleave_low(p, q).store(joined);
    for (std::size_t l = 0; l < std::size(a); ++l) {
      REQUIRE(product[l] == (a[l] & 0xffffffffU) * (b[l] & 0xffffffffU));
      REQUIRE(joined[2 * l] == static_cast<std::uint32_t>(a[l]));
      REQUIRE(joined[2 * l + 1] == static_cast<std::uint32_t>(b[l]));
    }
  }
}

TEMPLATE_TEST_CASE("patterns and numbers convert without change", "[simd]", float, double) {
  using T = TestType;
  for (T a : values<T>()) {
    const auto pattern = to_bits(pack<T>(a));
    word<T> out[pack<T>::batch::size];
    pattern.store(out);
    for (word<T> w : out) CHECK(w == std::bit_cast<word<T>>(a));
    CHECK(same(first(simd::from_bits<T>(pattern)), a));
  }
}

TEST_CASE("words below 2^31 become the nearest float", "[simd]") {
  std::mt19937 random(8);
  for (std::uint32_t w : {0U, 1U, 0xffffffU, 0x1000001U, 0x7fffffffU}) {
    CHECK(first(pack<float>(to_float(bits<std::uint32_t>(w)))) == static_cast<float>(w));
    for (int i = 0; i < 1000; ++i) {
      const auto v = static_cast<std::uint32_t>(random()) >> 1;
      REQUIRE(first(pack<float>(to_float(bits<std::uint32_t>(v)))) == static_cast<float>(v));
    }
  }
}

#include <bijou/random/uniform.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "../catch.hpp"
#include "../support/numerics.hpp"

using bijou::fill_uniform;
using bijou::philox;

TEMPLATE_TEST_CASE("a tile's uniforms are bit for bit the single events'", "[uniform]", float,
                   double) {
  using T = TestType;
  const philox noise(21);
  for (int D = 1; D <= 20; ++D) {
    for (int n : {1, 3, 8, 13, 64}) {
      const std::size_t stride = 64;
      std::vector<T> tile(stride * static_cast<std::size_t>(D), T(-1));
      fill_uniform(noise, 7, D, tile.data(), static_cast<std::ptrdiff_t>(stride), n);
      bool equal = true;
      for (int t = 0; t < n; ++t) {
        std::vector<T> u(static_cast<std::size_t>(D));
        fill_uniform(noise, 7 + static_cast<std::uint64_t>(t), std::span<T>(u));
        for (std::size_t d = 0; d < u.size(); ++d)
          equal &= tile[d * stride + static_cast<std::size_t>(t)] == u[d];
      }
      for (std::size_t d = 0; d < static_cast<std::size_t>(D); ++d)
        for (std::size_t t = static_cast<std::size_t>(n); t < stride; ++t)
          equal &= tile[d * stride + t] == T(-1);
      INFO("D " << D << ", n " << n);
      REQUIRE(equal);
    }
  }
}

TEMPLATE_TEST_CASE("uniforms come from the documented words", "[uniform]", float, double) {
  using T = TestType;
  const philox noise(6, 1);
  std::vector<T> u(6);
  fill_uniform(noise, 99, std::span<T>(u));
  for (std::uint32_t d = 0; d < 6; ++d) {
    if constexpr (sizeof(T) == 4) {
      const auto w = noise.block(99, d / 4, bijou::domain::draws)[d % 4];
      CHECK(u[d] == static_cast<float>(((w >> 9) + 0.5) * 0x1p-23));
    } else {
      const auto w = noise.block(99, d / 2, bijou::domain::draws);
      const std::uint64_t joined = w[d % 2 * 2] | std::uint64_t{w[d % 2 * 2 + 1]} << 32;
      CHECK(u[d] == (static_cast<double>(joined >> 12) + 0.5) * 0x1p-52);
    }
  }
}

TEMPLATE_TEST_CASE("uniforms are never 0 or 1", "[uniform]", float, double) {
  using T = TestType;
  using B = bijou::simd::bits<bijou::simd::word<T>>;
  using W = bijou::simd::word<T>;
  const T least = first(bijou::detail::open_unit<T>(B(W{0})));
  const T most = first(bijou::detail::open_unit<T>(B(static_cast<W>(~W{0}))));
  CHECK(least == std::numeric_limits<T>::epsilon() / 2);
  CHECK(most == 1 - std::numeric_limits<T>::epsilon() / 2);
}

TEMPLATE_TEST_CASE("uniforms pass Kolmogorov and Smirnov", "[uniform]", float, double) {
  constexpr int n = 250000;
  std::vector<TestType> u(4 * n);
  fill_uniform(philox(31), 0, 4, u.data(), n, n);
  CHECK(bijou::testing::kolmogorov_smirnov(u, [](double x) { return x; }).p_value > 1e-3);
}

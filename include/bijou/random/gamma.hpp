#pragma once
/// \file
/// Gamma variates of any shape, addressed by sample: for tiles, and for single events.
///
/// Marsaglia & Tsang 2000, "A simple method for generating gamma variables", ACM Transactions on
/// Mathematical Software 26. For a shape a >= 1, with d = a - 1/3 and c = 1 / sqrt(9 d), of a
/// normal number z and a uniform number u
///
///     x = d v, v = (1 + c z)^3, is taken where v > 0 and log u < z^2/2 + d (1 - v + log v)
///
/// and else another try is made: one of twenty at most (at a = 1). A smaller shape takes a variate
/// of shape a + 1 times u^(1/a).
///
/// A try is a function of the sample, the variable and the try's number alone, so that samples do
/// not know of one another. The block of a try within its sample (docs/random.md) is
///
///     bits 0 .. 22   the variable
///     bit 23         of double, whose tries take two blocks: which of them
///     bits 24 .. 27  which variate of the variable, where a base draws several
///     bits 28 .. 31  the try
///
/// The words of a try: two make a normal number, one is u, and that of the first try which is left
/// makes u^(1/a). After sixteen tries, of which a sample needs more with a chance of 1e-20, the
/// variate is d, near its mode.

#include <bijou/kernels/math.hpp>
#include <bijou/random/normal.hpp>
#include <bijou/random/words.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace bijou::inline BIJOU_ISA::detail {

/// Gamma variates of one shape.
template <class T> class gamma_numbers {
  using P = simd::pack<T>;
  using B = simd::bits<simd::word<T>>;
  static constexpr int packs = lanes_at_once / P::size;
  static constexpr std::uint32_t tries = 16;

 public:
  /// `variate`: which of up to sixteen independent variates of a variable these are.
  explicit gamma_numbers(double shape, std::uint32_t variate = 0)
      : d_(static_cast<T>((shape < 1 ? shape + 1 : shape) - 1.0 / 3)),
        c_(static_cast<T>(1 / std::sqrt(9 * ((shape < 1 ? shape + 1 : shape) - 1.0 / 3)))),
        inverse_shape_(shape < 1 ? static_cast<T>(1 / shape) : T(0)), variate_(variate) {}

  using values = std::array<P, static_cast<std::size_t>(packs)>;

  /// Those of lanes_at_once lanes, whose counters `lanes(block)` knows: a pack of floats or two of
  /// doubles. The least is the smallest normal number of the type.
  template <class LanesOf> values operator()(const round_keys& keys, const LanesOf& lanes) const {
    auto [x, log_power] = try_until_taken(keys, lanes);
    for (std::size_t k = 0; k < x.size(); ++k) {
      if (inverse_shape_ != 0) x[k] = math::exp(log_power[k]) * x[k];
      x[k] = max(P(std::numeric_limits<T>::min()), x[k]);
    }
    return x;
  }
  /// Their logarithms, also where they are beyond the numbers of the type.
  template <class LanesOf> values logarithms(const round_keys& keys, const LanesOf& lanes) const {
    auto [x, log_power] = try_until_taken(keys, lanes);
    for (std::size_t k = 0; k < x.size(); ++k) x[k] = math::log(x[k]) + log_power[k];
    return x;
  }

 private:
  /// A variate of a shape of 1 or more, and the logarithm of what makes it one of a smaller shape.
  struct taken_values {
    values x, log_power;
  };
  template <class LanesOf>
  taken_values try_until_taken(const round_keys& keys, const LanesOf& lanes) const {
    const P one(T(1));
    values x, log_power;
    x.fill(P(T(0))); // not found yet
    log_power.fill(P(T(0)));
    for (std::uint32_t attempt = 0; attempt < tries; ++attempt) {
      const std::uint32_t block = attempt << 28U | variate_ << 24U;
      const auto w = words<T>(lanes(block), domain::draws, keys);
      // Of floats all four words of a try are there; of doubles the second block has the others.
      std::array<B, 4> more = w;
      if constexpr (packs == 2) more = words<T>(lanes(block | 1U << 23U), domain::draws, keys);
      bool missing = false;
      for (std::size_t k = 0; k < x.size(); ++k) {
        const B for_u = packs == 2 ? more[2 * k] : w[2],
                for_power = packs == 2 ? more[2 * k + 1] : w[3];
        if (attempt == 0 && inverse_shape_ != 0)
          log_power[k] = P(inverse_shape_) * math::detail::log_normal(tail_unit<T>(for_power));
        const P z = normal_numbers::two(w[2 * k], w[2 * k + 1])[0], cz = P(c_) * z;
        const P log_u = math::detail::log_normal(tail_unit<T>(for_u));
        // v - 1 = cz (3 + 3 cz + cz^2) and log v = 3 log(1 + cz): 1 itself would cost digits.
        const auto positive = cz > -one;
        const P inside = select(positive, cz, P(T(0))), three(T(3));
        const P v_less_1 = inside * fma(inside, inside + three, three);
        const P bound = fma(P(T(0.5)) * z, z, P(d_) * fma(three, math::log1p(inside), -v_less_1));
        const auto taken = positive & (log_u < bound) & (x[k] == P(T(0)));
        x[k] = select(taken, fma(P(d_), v_less_1, P(d_)), x[k]);
        missing = missing || any(x[k] == P(T(0)));
      }
      if (!missing) break;
    }
    for (P& v : x) v = select(v == P(T(0)), P(d_), v);
    return {x, log_power};
  }

  T d_, c_;
  T inverse_shape_; // 0 from shape 1 on
  std::uint32_t variate_;
};

/// Variates that are made in lanes, variates(keys, lanes), of n samples: value v < D of sample
/// first + t to p[v * row_stride + t].
template <class T, class Variates>
void fill_tile_of_variates(const philox& noise, std::uint64_t first, int D, T* p,
                           std::ptrdiff_t row_stride, int n, const Variates& variates) {
  constexpr int size = simd::pack<T>::size;
  const round_keys keys(noise);
  for (int v = 0; v < D; ++v)
    for (int t = 0; t < n; t += lanes_at_once) {
      const auto x = variates(keys, [&](std::uint32_t block) {
        return lanes_are_samples{first + static_cast<std::uint64_t>(t),
                                 block + static_cast<std::uint32_t>(v)};
      });
      int lane = t;
      for (const auto& some : x) {
        store_lanes(some, p + v * row_stride + lane, n - lane);
        lane += size;
      }
    }
}
/// The same of one sample, contiguous.
template <class T, class Variates>
void fill_event_of_variates(const philox& noise, std::uint64_t sample, std::span<T> z,
                            const Variates& variates) {
  constexpr int size = simd::pack<T>::size;
  const round_keys keys(noise);
  const int D = static_cast<int>(z.size());
  for (int v = 0; v < D; v += lanes_at_once) {
    const auto x = variates(keys, [&](std::uint32_t block) {
      return lanes_are_blocks{sample, block + static_cast<std::uint32_t>(v)};
    });
    int lane = v;
    for (const auto& some : x) {
      store_lanes(some, z.data() + lane, D - lane);
      lane += size;
    }
  }
}

} // namespace bijou::inline BIJOU_ISA::detail

#pragma once
/// \file
/// Values that a flow meets on a bad day, and what must come out: docs/numerics.md has the table.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "check.hpp"

namespace bijou::testing {

/// Draws hostile values: zeros of both signs, subnormal numbers, magnitudes over the whole range of
/// the type, ends of intervals and knots with their neighbours, infinities, and now and then an
/// ordinary number.
template <class T> class hostile_source {
 public:
  /// `special` are further points of interest: knots, bounds.
  explicit hostile_source(std::uint64_t seed, std::vector<T> special = {})
      : bits_(seed), special_(std::move(special)) {
    for (const T v : {T(-3), T(3), T(-1), T(1), T(0.5), T(88), T(-88), T(104), T(-104), T(709),
                      T(-709), T(745), T(-745), T(0x1p64), T(-0x1p64)})
      special_.push_back(v);
  }

  /// Anything but NaN.
  T operator()() {
    using limits = std::numeric_limits<T>;
    switch (bits_() % 8) {
    case 0: {
      static constexpr std::array<T, 8> fixed{T(0),
                                              -T(0),
                                              limits::denorm_min(),
                                              -limits::denorm_min(),
                                              limits::max(),
                                              limits::lowest(),
                                              limits::infinity(),
                                              -limits::infinity()};
      return fixed[bits_() % fixed.size()];
    }
    case 1:
    case 2: { // a point of interest, or up to two ulps beside it
      const T v = special_[bits_() % special_.size()];
      const T towards = bits_() % 2 ? limits::infinity() : -limits::infinity();
      const auto steps = bits_() % 3;
      T moved = v;
      for (std::uint64_t i = 0; i < steps; ++i) moved = std::nextafter(moved, towards);
      return moved;
    }
    case 3:
    case 4:
    case 5: { // any exponent
      const int exponent = static_cast<int>(
          bits_() % static_cast<unsigned>(limits::max_exponent - limits::min_exponent + 1));
      const T magnitude = std::ldexp(T(0.5) + T(0.5) * unit(), exponent + limits::min_exponent);
      return bits_() % 2 ? magnitude : -magnitude;
    }
    default:
      return T(8) * unit() - T(4);
    }
  }
  /// n of them.
  std::vector<T> operator()(std::size_t n) {
    std::vector<T> values(n);
    for (T& v : values) v = (*this)();
    return values;
  }

 private:
  T unit() { return static_cast<T>(static_cast<double>(bits_() >> 40U) * 0x1p-24); }

  std::mt19937_64 bits_;
  std::vector<T> special_;
};

/// The first element that is NaN, or empty.
template <class T> std::string first_nan(const char* what, const std::vector<T>& v) {
  for (std::size_t i = 0; i < v.size(); ++i)
    if (std::isnan(v[i])) return std::string(what) + ": element " + std::to_string(i) + " is NaN";
  return agreed;
}

/// `samples` hostile samples, with hostile contexts, through all calls: nobody who brings no NaN
/// gets one, a NaN stays in its sample, and one event has the bits of its batch.
template <class T>
void check_hostile(const subject<T>& f, std::size_t samples, std::vector<T> special = {}) {
  INFO(f.text);
  hostile_source<T> hostile(11, std::move(special));
  const std::size_t batch = 4 * f.tile + 5;
  const auto one = [&](auto call, const std::vector<T>& v, const std::vector<T>& c, std::size_t i) {
    return (f.*call)(rows_from(v, i, 1, f.size), rows_from(c, i, 1, f.context_size));
  };
  for (std::size_t done = 0; done < samples; done += batch) {
    const auto v = hostile(batch * f.size), c = hostile(batch * f.context_size);
    const auto to = f.forward(v, c), drawn = f.sample_from(v, c);
    REQUIRE(first_nan("forward", to.values) == agreed);
    REQUIRE(first_nan("forward's log-det", to.log_det) == agreed);
    REQUIRE(first_nan("log q", drawn.log_det) == agreed);
    if (!f.invertible) continue;
    const auto back = f.inverse(v, c);
    REQUIRE(first_nan("inverse", back.values) == agreed);
    REQUIRE(first_nan("inverse's log-det", back.log_det) == agreed);
    const auto log_p = f.log_prob(v, c);
    REQUIRE(first_nan("log p", log_p) == agreed);
    for (std::size_t i = done % 7; i < batch; i += 61) {
      CAPTURE(i);
      const auto x = one(&subject<T>::inverse, v, c, i), y = one(&subject<T>::forward, v, c, i);
      REQUIRE(other_bits(y.values, rows_from(to.values, i, 1, f.size)) == agreed);
      REQUIRE(other_bits(y.log_det, rows_from(to.log_det, i, 1, 1)) == agreed);
      REQUIRE(other_bits(x.values, rows_from(back.values, i, 1, f.size)) == agreed);
      REQUIRE(other_bits(x.log_det, rows_from(back.log_det, i, 1, 1)) == agreed);
      REQUIRE(same_bits(one(&subject<T>::log_prob, v, c, i)[0], log_p[i]));
    }
    if (done >= 8 * batch) continue; // these take longer
    if (f.differentiable) {
      const std::vector<T> weights(batch, T(1));
      const auto g = f.log_prob_gradient(v, c, weights, T(1));
      REQUIRE(other_bits(g.log_prob, log_p) == agreed);
      REQUIRE(first_nan("gradient by parameters", g.by_parameters) == agreed);
      REQUIRE(first_nan("gradient by data", g.by_inputs) == agreed);
      for (std::size_t i = 0; i < batch; ++i)
        if (log_p[i] == -std::numeric_limits<T>::infinity())
          for (std::size_t d = 0; d < f.size; ++d) REQUIRE(g.by_inputs[i * f.size + d] == 0);
    }
    auto spoiled = v;
    const std::size_t at = done % batch;
    spoiled[at * f.size + done % f.size] = std::numeric_limits<T>::quiet_NaN();
    auto log_p_spoiled = f.log_prob(spoiled, c);
    REQUIRE(std::isnan(log_p_spoiled[at]));
    log_p_spoiled[at] = log_p[at];
    REQUIRE(other_bits(log_p_spoiled, log_p) == agreed);
    if (f.context_size == 0) continue;
    auto spoiled_context = c;
    spoiled_context[at * f.context_size] = std::numeric_limits<T>::quiet_NaN();
    log_p_spoiled = f.log_prob(v, spoiled_context);
    REQUIRE(std::isnan(log_p_spoiled[at]));
    log_p_spoiled[at] = log_p[at];
    REQUIRE(other_bits(log_p_spoiled, log_p) == agreed);
  }
}

} // namespace bijou::testing

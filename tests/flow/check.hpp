#pragma once
/// \file
/// What every flow must hold, whatever its expression: maps that undo each other, log-dets and
/// gradients that differences confirm, the same bits on every path.

#include <bijou/bijou.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "../catch.hpp"
#include "../support/numerics.hpp"
#include "../support/random_parameters.hpp"

namespace bijou::testing {

/// A bijector's calls on plain vectors, a context included where the bijector wants one.
template <class Bijector> class plain_calls {
 public:
  using T = typename Bijector::value_type;
  static constexpr int size = Bijector::size;
  static constexpr int context_size = Bijector::context_size;

  explicit plain_calls(const Bijector& f) : f_(f), ws_(f.make_gradient_workspace()) {}

  struct mapped_batch {
    std::vector<T> values, log_det;
  };
  mapped_batch forward(const std::vector<T>& x, const std::vector<T>& context = {}) const {
    return map<true>(x, context);
  }
  mapped_batch inverse(const std::vector<T>& y, const std::vector<T>& context = {}) const {
    return map<false>(y, context);
  }
  std::vector<T> log_prob(const std::vector<T>& y, const std::vector<T>& context = {}) const {
    std::vector<T> result(y.size() / size);
    if constexpr (context_size > 0)
      f_.log_prob(rows(y, size), rows(context, context_size), result.data(), ws_);
    else
      f_.log_prob(rows(y, size), result.data(), ws_);
    return result;
  }
  workspace<T>& memory() const { return ws_; }
  static batch_view<const T> rows(const std::vector<T>& v, int columns) {
    return rows_of(v.data(), v.size() / static_cast<std::size_t>(columns), columns);
  }

 private:
  template <bool Forward>
  mapped_batch map(const std::vector<T>& from, const std::vector<T>& context) const {
    mapped_batch r{std::vector<T>(from.size()), std::vector<T>(from.size() / size)};
    const batch_view<T> to = rows_of(r.values.data(), r.log_det.size(), size);
    const auto run = [&](auto... c) {
      if constexpr (Forward)
        f_.forward(rows(from, size), c..., to, r.log_det.data(), ws_);
      else
        f_.inverse(rows(from, size), c..., to, r.log_det.data(), ws_);
    };
    if constexpr (context_size > 0)
      run(rows(context, context_size));
    else
      run();
    return r;
  }

  const Bijector& f_;
  mutable workspace<T> ws_;
};

/// Perturbs all parameters that count, so that nothing is tested near the identity only.
template <class Bijector> void perturb_parameters(Bijector& f, std::uint64_t seed, float scale) {
  perturb(f.parameters(), f.structure(), seed, scale);
}

/// inverse(forward(x)) = x, and the log-dets of both directions cancel.
template <class Bijector, class T = typename Bijector::value_type>
void check_round_trip(const Bijector& f, const std::vector<T>& x, const std::vector<T>& context,
                      double tolerance) {
  const plain_calls<Bijector> calls(f);
  const auto y = calls.forward(x, context);
  const auto back = calls.inverse(y.values, context);
  for (std::size_t i = 0; i < x.size(); ++i) {
    CAPTURE(i, x[i], y.values[i]);
    REQUIRE(near(back.values[i], x[i], tolerance * std::max(1.0, std::abs(double(x[i])))));
  }
  for (std::size_t i = 0; i < y.log_det.size(); ++i) {
    CAPTURE(i);
    REQUIRE(near(back.log_det[i], -y.log_det[i],
                 10 * tolerance * std::max(1.0, std::abs(double(y.log_det[i])))));
  }
}

/// log|det| of both directions against a numerical Jacobian (double only).
template <class Bijector>
void check_log_det(const Bijector& f, const std::vector<double>& x,
                   const std::vector<double>& context, double tolerance) {
  const plain_calls<Bijector> calls(f);
  constexpr auto D = static_cast<std::size_t>(Bijector::size);
  constexpr auto C = static_cast<std::size_t>(Bijector::context_size);
  for (std::size_t i = 0; i < x.size() / D; ++i) {
    const std::vector<double> c(context.begin() + static_cast<std::ptrdiff_t>(i * C),
                                context.begin() + static_cast<std::ptrdiff_t>((i + 1) * C));
    const std::vector<double> one(x.begin() + static_cast<std::ptrdiff_t>(i * D),
                                  x.begin() + static_cast<std::ptrdiff_t>((i + 1) * D));
    const auto y = calls.forward(one, c);
    const auto j = numerical_jacobian<double>(
        [&](const std::vector<double>& v) { return calls.forward(v, c).values; }, one);
    CAPTURE(i);
    REQUIRE(near(y.log_det[0], log_abs_det(j), tolerance));
    const auto j_back = numerical_jacobian<double>(
        [&](const std::vector<double>& v) { return calls.inverse(v, c).values; }, y.values);
    REQUIRE(near(calls.inverse(y.values, c).log_det[0], log_abs_det(j_back), tolerance));
  }
}

/// Every sample by itself, in pieces and as a whole: the same bits.
template <class Bijector, class T = typename Bijector::value_type>
void check_bits(const Bijector& f, const std::vector<T>& x, const std::vector<T>& context) {
  const plain_calls<Bijector> calls(f);
  constexpr auto D = static_cast<std::size_t>(Bijector::size);
  constexpr auto C = static_cast<std::size_t>(Bijector::context_size);
  const std::size_t n = x.size() / D;
  const auto y = calls.forward(x, context);
  const auto back = calls.inverse(y.values, context);
  const auto part = [](const std::vector<T>& v, std::size_t first, std::size_t count,
                       std::size_t columns) {
    return std::vector<T>(v.begin() + static_cast<std::ptrdiff_t>(first * columns),
                          v.begin() + static_cast<std::ptrdiff_t>((first + count) * columns));
  };
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{37}})
    for (std::size_t i = 0; i < n; i += piece) {
      const std::size_t k = std::min(piece, n - i);
      const auto c = part(context, i, k, C);
      const auto yi = calls.forward(part(x, i, k, D), c);
      const auto xi = calls.inverse(part(y.values, i, k, D), c);
      for (std::size_t s = 0; s < k; ++s) {
        CAPTURE(piece, i, s);
        REQUIRE(same_bits(yi.log_det[s], y.log_det[i + s]));
        REQUIRE(same_bits(xi.log_det[s], back.log_det[i + s]));
        for (std::size_t d = 0; d < D; ++d) {
          REQUIRE(same_bits(yi.values[s * D + d], y.values[(i + s) * D + d]));
          REQUIRE(same_bits(xi.values[s * D + d], back.values[(i + s) * D + d]));
        }
      }
    }
}

/// Both gradients against central differences: of the weighted sum of log p by parameters and data;
/// of a function of samples and their log q by parameters and noise (double only).
template <class Flow>
void check_gradients(Flow& q, const std::vector<double>& noise, const std::vector<double>& context,
                     double tolerance) {
  const plain_calls<Flow> calls(q);
  constexpr int D = Flow::size;
  constexpr int C = Flow::context_size;
  const std::size_t n = noise.size() / D;
  const auto c = plain_calls<Flow>::rows(context, C > 0 ? C : 1);
  std::vector<double> weights = uniform_values<double>(n, 99, 0.2F, 1.5F);
  const auto compare = [&](const std::vector<double>& exact, const std::vector<double>& numeric) {
    double scale = 1;
    for (const double g : numeric) scale = std::max(scale, std::abs(g));
    for (std::size_t i = 0; i < exact.size(); ++i) {
      CAPTURE(i, exact[i], numeric[i]);
      REQUIRE(near(exact[i], numeric[i], tolerance * scale));
    }
  };
  // What no connection owns has no gradient and no effect: leave it out of the differences.
  const auto owned = q.structure();
  const auto numeric_by_parameters = [&](const auto& value) {
    std::vector<double> g(owned.size(), 0.0);
    for (std::size_t i = 0; i < owned.size(); ++i)
      if (owned[i] != 0) g[i] = numerical_gradient<double>(value, q.parameters().subspan(i, 1))[0];
    return g;
  };

  SECTION("log_prob by parameters and data") {
    std::vector<double> y = calls.forward(noise, context).values;
    std::vector<double> g(q.parameters().size(), 0.0);
    std::vector<double> g_y(y.size());
    std::vector<double> lp(n);
    const scored_batch<double> batch{plain_calls<Flow>::rows(y, D),
                                     C > 0 ? c : batch_view<const double>{}, weights};
    const double value = accumulate_log_prob_gradient(
        q, batch, 0.7, std::span<double>(g), calls.memory(), rows_of(g_y.data(), n, D), lp.data());
    const auto total = [&] {
      const auto each = calls.log_prob(y, context);
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += 0.7 * weights[i] * each[i];
      return sum;
    };
    REQUIRE(near(value, total(), 1e-10 * std::max(1.0, std::abs(value))));
    compare(g_y, numerical_gradient<double>(total, std::span<double>(y)));
    compare(g, numeric_by_parameters(total));
  }

  SECTION("a function of samples by parameters and noise") {
    std::vector<double> z = noise;
    std::vector<double> g(q.parameters().size(), 0.0);
    std::vector<double> g_z(z.size());
    // f = sum_i w_i (sum_d sin(y_d + d) + 0.3 log q)
    accumulate_sample_gradient(
        q, plain_calls<Flow>::rows(z, D),
        [&](const sampled_tile<double>& t) {
          for (int i = 0; i < t.count; ++i) {
            const double w = weights[t.first + static_cast<std::size_t>(i)];
            for (int d = 0; d < D; ++d) t.cotangent(d)[i] = w * std::cos(t.variable(d)[i] + d);
            t.log_q_cotangent[i] = 0.3 * w;
          }
        },
        std::span<double>(g), calls.memory(), rows_of(g_z.data(), n, D),
        C > 0 ? c : batch_view<const double>{});
    const auto total = [&] {
      const auto y = calls.forward(z, context);
      const auto lp = calls.log_prob(y.values, context);
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) {
        for (int d = 0; d < D; ++d)
          sum += weights[i] * std::sin(y.values[i * D + static_cast<std::size_t>(d)] + d);
        sum += 0.3 * weights[i] * lp[i];
      }
      return sum;
    };
    compare(g_z, numerical_gradient<double>(total, std::span<double>(z)));
    compare(g, numeric_by_parameters(total));
  }
}

/// All of the above for one expression in double, and what float can show.
template <class E>
void check_expression(const E& expression, std::size_t n = 3, float scale = 0.3F) {
  auto q = make_flow<double>(expression, 5);
  using flow_type = decltype(q);
  constexpr auto D = static_cast<std::size_t>(flow_type::size);
  constexpr auto C = static_cast<std::size_t>(flow_type::context_size);
  INFO(q.text());
  perturb_parameters(q, 17, scale);
  const bool box = flow_type::base_type::at.is_all(kind::unit);
  const auto noise = [&]<class T>(T, std::size_t count) {
    return box ? uniform_values<T>(count * D, 3, 0.02F, 0.98F) : normal_values<T>(count * D, 3);
  };
  const auto x = noise(0.0, n);
  const auto context = normal_values<double>(n * C, 4);
  SECTION("double: round trip, log-det, bits") {
    check_round_trip(q, x, context, 1e-9);
    check_log_det(q, x, context, 1e-6);
    check_bits(q, noise(0.0, 101), normal_values<double>(101 * C, 4));
  }
  SECTION("float: round trip and bits") {
    auto qf = make_flow<float>(expression, 5);
    perturb_parameters(qf, 17, scale);
    const auto xf = noise(0.0F, 203);
    const auto cf = normal_values<float>(203 * C, 4);
    check_round_trip(qf, xf, cf, 2e-4);
    check_bits(qf, xf, cf);
  }
  check_gradients(q, x, context, 2e-6);
}

} // namespace bijou::testing

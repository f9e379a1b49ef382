#pragma once
/// \file
/// What every flow must hold, whatever its expression: maps that undo each other, log-dets and
/// gradients that differences confirm, the same bits on every path, samples that do not touch each
/// other.
///
/// The checks see a flow through functions of plain vectors (`subject`), so that a check is
/// compiled once for float and once for double, and not once for each expression.

#include <bijou/bijou.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "../catch.hpp"
#include "../support/emulated.hpp"
#include "../support/numerics.hpp"
#include "../support/random_parameters.hpp"

namespace bijou::testing {

/// Samples and a number for each.
template <class T> struct mapped_batch {
  std::vector<T> values, log_det;
};
/// A value with its gradients by the flow's parameters and by each input.
template <class T> struct gradients {
  double value;
  std::vector<T> by_parameters, by_inputs, log_prob;
};

/// A flow as functions of samples (n, D) and a context (n, C), row by row. Copies share the flow.
template <class T> struct subject {
  using values = std::vector<T>;

  std::string text;
  std::size_t size = 0, context_size = 0;
  bool on_box = false;  ///< the base is the unit box, not the normal
  std::size_t tile = 0; ///< samples in a full tile
  std::span<T> parameters;
  std::vector<std::uint8_t> structure;
  std::function<void(std::span<const T>)> set_parameters; ///< the setter that keeps structure
  /// Fills the workspace with NaN: a call must not read what another has left there.
  std::function<void()> spoil_workspace;
  /// A flow without an inverse has an empty `inverse`, `log_prob` and `log_prob_gradient`.
  std::function<mapped_batch<T>(const values& x, const values& context)> forward, inverse;
  std::function<values(const values& y, const values& context)> log_prob;
  /// Samples made of noise, with log q in place of the log-det.
  std::function<mapped_batch<T>(const values& noise, const values& context)> sample_from;
  /// Of scale * sum_i w_i log p(y_i).
  std::function<gradients<T>(const values& y, const values& context, const values& weights,
                             T scale)>
      log_prob_gradient;
  /// Of sum_i w_i (sum_d sin(y_d + d) + 0.3 log q_i), y the samples made of noise.
  std::function<gradients<T>(const values& noise, const values& context, const values& weights)>
      sample_gradient;

  /// Draws noise of the base, the same for float and double.
  values noise(std::size_t n, std::uint64_t seed) const {
    return on_box ? uniform_values<T>(n * size, seed, 0.02F, 0.98F)
                  : normal_values<T>(n * size, seed);
  }
  values context(std::size_t n, std::uint64_t seed) const {
    return normal_values<T>(n * context_size, seed);
  }
};

namespace detail {

template <class T> batch_view<const T> rows(const std::vector<T>& v, int columns) {
  return rows_of(v.data(), v.size() / static_cast<std::size_t>(columns), columns);
}

/// The function that gradients through samples are tested with; writes its derivatives.
template <class T> double probe(const sampled_tile<T>& t, int size, const std::vector<T>& weights) {
  double value = 0;
  for (int i = 0; i < t.count; ++i) {
    const T w = weights[t.first + static_cast<std::size_t>(i)];
    T sum = T(0.3) * t.log_q[i];
    for (int d = 0; d < size; ++d) {
      const T shifted = t.variable(d)[i] + static_cast<T>(d);
      sum += std::sin(shifted);
      t.cotangent(d)[i] = w * std::cos(shifted);
    }
    t.log_q_cotangent[i] = T(0.3) * w;
    value += static_cast<double>(w * sum);
  }
  return value;
}

} // namespace detail

/// Whether a subject is to be differentiated: adjoints take half of the time to compile.
enum class wants { evaluation, gradients };

/// A flow of T with perturbed parameters: nothing is tested near the identity only. The parameters
/// of float and double subjects of one expression are equal.
template <class T, wants Wants = wants::gradients, class E>
subject<T> make_subject(const E& expression, float scale = 0.3F, std::uint64_t seed = 17) {
  using flow_type = decltype(make_flow<T>(expression));
  using values = std::vector<T>;
  constexpr int D = flow_type::size;
  constexpr int C = flow_type::context_size;
  struct state {
    flow_type flow;
    workspace<T> memory;
  };
  auto s = std::make_shared<state>(state{make_flow<T>(expression, 5), {}});
  s->memory =
      Wants == wants::gradients ? s->flow.make_gradient_workspace() : s->flow.make_workspace();
  subject<T> result;
  result.text = s->flow.text();
  result.size = D;
  result.context_size = C;
  result.on_box = flow_type::base_type::at.is_all(kind::unit);
  result.tile = flow_type::program_type::lanes;
  result.parameters = s->flow.parameters();
  result.structure = s->flow.structure();
  perturb(result.parameters, result.structure, seed, scale);
  result.set_parameters = [s](std::span<const T> p) { s->flow.set_parameters(p); };
  result.spoil_workspace = [s] {
    std::fill(s->memory.memory.begin(), s->memory.memory.end(),
              std::numeric_limits<T>::quiet_NaN());
  };
  // Calls f with the context as the flow's calls take it.
  const auto with = [](const values& context, auto&& f) {
    if constexpr (C > 0)
      f(detail::rows(context, C));
    else
      f();
  };
  result.forward = [s, with](const values& x, const values& context) {
    mapped_batch<T> r{values(x.size()), values(x.size() / D)};
    with(context, [&](auto... c) {
      s->flow.forward(detail::rows(x, D), c..., rows_of(r.values.data(), r.log_det.size(), D),
                      r.log_det.data(), s->memory);
    });
    return r;
  };
  if constexpr (flow_type::invertible)
    result.inverse = [s, with](const values& y, const values& context) {
      mapped_batch<T> r{values(y.size()), values(y.size() / D)};
      with(context, [&](auto... c) {
        s->flow.inverse(detail::rows(y, D), c..., rows_of(r.values.data(), r.log_det.size(), D),
                        r.log_det.data(), s->memory);
      });
      return r;
    };
  result.sample_from = [s](const values& noise, const values& context) {
    mapped_batch<T> r{values(noise.size()), values(noise.size() / D)};
    const bijou::detail::memory_source<T> from{detail::rows(noise, D)};
    const bijou::detail::memory_sink<T> to{rows_of(r.values.data(), r.log_det.size(), D)};
    if constexpr (C > 0)
      s->flow.draw_from(from, to, r.log_det.data(), s->memory,
                        bijou::detail::memory_source<T>{detail::rows(context, C)});
    else
      s->flow.draw_from(from, to, r.log_det.data(), s->memory, s->flow.context());
    return r;
  };
  if constexpr (flow_type::invertible)
    result.log_prob = [s, with](const values& y, const values& context) {
      values r(y.size() / D);
      with(context,
           [&](auto... c) { s->flow.log_prob(detail::rows(y, D), c..., r.data(), s->memory); });
      return r;
    };
  if constexpr (Wants == wants::gradients) {
    const auto empty = [s](std::size_t n) {
      return gradients<T>{0, values(s->flow.parameters().size()), values(n), values(n / D)};
    };
    if constexpr (flow_type::invertible)
      result.log_prob_gradient = [s, empty](const values& y, const values& context,
                                            const values& weights, T scale_by) {
        auto g = empty(y.size());
        scored_batch<T> batch{detail::rows(y, D), {}, weights};
        if constexpr (C > 0) batch.context = detail::rows(context, C);
        g.value = accumulate_log_prob_gradient(
            s->flow, batch, scale_by, std::span(g.by_parameters), s->memory,
            rows_of(g.by_inputs.data(), g.log_prob.size(), D), g.log_prob.data());
        return g;
      };
    result.sample_gradient = [s, empty](const values& noise, const values& context,
                                        const values& weights) {
      auto g = empty(noise.size());
      batch_view<const T> c{};
      if constexpr (C > 0) c = detail::rows(context, C);
      accumulate_sample_gradient(
          s->flow, detail::rows(noise, D),
          [&](const sampled_tile<T>& t) {
            g.value += detail::probe(t, D, weights);
            std::copy_n(t.log_q, t.count, g.log_prob.data() + t.first);
          },
          std::span(g.by_parameters), s->memory, rows_of(g.by_inputs.data(), g.log_prob.size(), D),
          c);
      return g;
    };
  }
  return result;
}

/// Rows first .. first + count - 1.
template <class T>
std::vector<T> rows_from(const std::vector<T>& v, std::size_t first, std::size_t count,
                         std::size_t columns) {
  const auto at = [&](std::size_t row) {
    return v.begin() + static_cast<std::ptrdiff_t>(row * columns);
  };
  return {at(first), at(first + count)};
}

/// Largest magnitude, at least 1.
template <class T> double scale_of(const std::vector<T>& v) {
  double scale = 1;
  for (const T x : v) scale = worse(scale, std::abs(static_cast<double>(x)));
  return scale;
}

/// For REQUIRE(... == agreed): equal within `relative` of the largest element.
template <class A, class B>
std::string difference_of(const std::vector<A>& actual, const std::vector<B>& expected,
                          double relative) {
  const double allowed = relative * scale_of(expected);
  return disagreement(actual, expected, [&](std::size_t) { return allowed; });
}

/// The first element whose bits differ, or empty.
template <class T>
std::string other_bits(const std::vector<T>& actual, const std::vector<T>& expected) {
  if (actual.size() != expected.size()) return "another length";
  for (std::size_t i = 0; i < actual.size(); ++i)
    if (!same_bits(actual[i], expected[i]))
      return "element " + std::to_string(i) + " is " + std::to_string(actual[i]) + ", expected " +
             std::to_string(expected[i]);
  return agreed;
}

/// inverse(forward(x)) = x, and the log-dets of both directions cancel.
template <class T>
void check_round_trip(const subject<T>& f, const std::vector<T>& x, const std::vector<T>& context,
                      double tolerance) {
  if (!f.inverse) return;
  const auto y = f.forward(x, context);
  const auto back = f.inverse(y.values, context);
  REQUIRE(disagreement(back.values, x, [&](std::size_t i) {
            return tolerance * std::max(1.0, std::abs(static_cast<double>(x[i])));
          }) == agreed);
  std::vector<T> negative = y.log_det;
  for (T& v : negative) v = -v;
  REQUIRE(difference_of(back.log_det, negative, 10 * tolerance) == agreed);
}

/// log|det| of both directions against a numerical Jacobian.
inline void check_log_det(const subject<double>& f, const std::vector<double>& x,
                          const std::vector<double>& context, double tolerance) {
  const difference_options by{.step = 1e-5};
  for (std::size_t i = 0; i < x.size() / f.size; ++i) {
    CAPTURE(i);
    const auto c = rows_from(context, i, 1, f.context_size);
    const auto one = rows_from(x, i, 1, f.size);
    const auto y = f.forward(one, c);
    const auto j = numerical_jacobian<double>(
        [&](const std::vector<double>& v) { return f.forward(v, c).values; }, one, by);
    REQUIRE(near(y.log_det[0], log_abs_det(j), tolerance));
    if (!f.inverse) continue;
    const auto j_back = numerical_jacobian<double>(
        [&](const std::vector<double>& v) { return f.inverse(v, c).values; }, y.values, by);
    REQUIRE(near(f.inverse(y.values, c).log_det[0], log_abs_det(j_back), tolerance));
  }
}

/// Every sample by itself, in pieces and as a whole: the same bits, forward, back and scored.
template <class T>
void check_bits(const subject<T>& f, const std::vector<T>& x, const std::vector<T>& context) {
  const std::size_t n = x.size() / f.size;
  const auto y = f.forward(x, context);
  const auto drawn = f.sample_from(x, context);
  const auto back = f.inverse ? f.inverse(y.values, context) : mapped_batch<T>{};
  const auto scored = f.inverse ? f.log_prob(y.values, context) : std::vector<T>{};
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{37}, n})
    for (std::size_t i = 0; i < n; i += piece) {
      CAPTURE(piece, i);
      const std::size_t k = std::min(piece, n - i);
      const auto c = rows_from(context, i, k, f.context_size);
      if (i == 0) f.spoil_workspace();
      const auto yi = f.forward(rows_from(x, i, k, f.size), c);
      REQUIRE(other_bits(yi.values, rows_from(y.values, i, k, f.size)) == agreed);
      REQUIRE(other_bits(yi.log_det, rows_from(y.log_det, i, k, 1)) == agreed);
      const auto di = f.sample_from(rows_from(x, i, k, f.size), c);
      REQUIRE(other_bits(di.values, rows_from(y.values, i, k, f.size)) == agreed);
      REQUIRE(other_bits(di.log_det, rows_from(drawn.log_det, i, k, 1)) == agreed);
      if (!f.inverse) continue;
      const auto xi = f.inverse(rows_from(y.values, i, k, f.size), c);
      REQUIRE(other_bits(xi.values, rows_from(back.values, i, k, f.size)) == agreed);
      REQUIRE(other_bits(xi.log_det, rows_from(back.log_det, i, k, 1)) == agreed);
      REQUIRE(other_bits(f.log_prob(yi.values, c), rows_from(scored, i, k, 1)) == agreed);
    }
}

/// Central differences of value() by every parameter that a connection owns; 0 elsewhere.
template <class Flow, class Value>
std::vector<double> parameter_differences(Flow& q, const Value& value) {
  const auto owned = q.structure();
  std::vector<double> g(owned.size(), 0);
  for (std::size_t i = 0; i < g.size(); ++i)
    if (owned[i] != 0)
      g[i] = numerical_gradient<double>(value, q.parameters().subspan(i, 1), {.step = 1e-5})[0];
  return g;
}

/// Both gradients against central differences: of the weighted sum of log p by parameters and data;
/// of a function of samples and their log q by parameters and noise.
inline void check_gradients(const subject<double>& f, const std::vector<double>& noise,
                            const std::vector<double>& context, double tolerance) {
  using values = std::vector<double>;
  const std::size_t n = noise.size() / f.size;
  const values weights = uniform_values<double>(n, 99, 0.2F, 1.5F);
  // Small steps: few of them cross the kink of a relu or the knot of a spline.
  const difference_options by{.step = 1e-5};
  const auto compare = [&](const gradients<double>& exact, const auto& total, values& inputs) {
    REQUIRE(near(exact.value, total(), 1e-10 * std::max(1.0, std::abs(exact.value))));
    REQUIRE(difference_of(exact.by_inputs,
                          numerical_gradient<double>(total, std::span<double>(inputs), by),
                          tolerance) == agreed);
    // What no connection owns has no gradient and no effect: it is left out of the differences.
    values numeric(f.structure.size(), 0.0);
    for (std::size_t i = 0; i < numeric.size(); ++i)
      if (f.structure[i] != 0)
        numeric[i] = numerical_gradient<double>(total, f.parameters.subspan(i, 1), by)[0];
    REQUIRE(difference_of(exact.by_parameters, numeric, tolerance) == agreed);
    for (std::size_t i = 0; i < numeric.size(); ++i)
      if (f.structure[i] == 0) REQUIRE(exact.by_parameters[i] == 0);
  };
  if (f.log_prob_gradient) {
    INFO("log_prob by parameters and data");
    values y = f.forward(noise, context).values;
    f.spoil_workspace();
    const auto g = f.log_prob_gradient(y, context, weights, 0.7);
    REQUIRE(difference_of(g.log_prob, f.log_prob(y, context), 1e-12) == agreed);
    const auto total = [&] {
      const values each = f.log_prob(y, context);
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += 0.7 * weights[i] * each[i];
      return sum;
    };
    compare(g, total, y);
  }
  {
    INFO("a function of samples by parameters and noise");
    values z = noise;
    f.spoil_workspace();
    const auto g = f.sample_gradient(z, context, weights);
    const auto total = [&] {
      const auto [y, log_q] = f.sample_from(z, context);
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t d = 0; d < f.size; ++d)
          sum += weights[i] * std::sin(y[i * f.size + d] + static_cast<double>(d));
        sum += 0.3 * weights[i] * log_q[i];
      }
      return sum;
    };
    compare(g, total, z);
  }
}

/// float computes what double computes: maps, densities, gradients. A result may be wrong by
/// `tolerance` of the largest element, and by what the exact result changes when its inputs move by
/// a few dozen roundings: no float can know better.
inline void check_float(const subject<float>& f, const subject<double>& oracle, std::size_t n,
                        double tolerance) {
  using narrow = std::vector<float>;
  using values = std::vector<double>;
  const auto wide = [](const narrow& v) { return values(v.begin(), v.end()); };
  const auto x = f.noise(n, 3), context = f.context(n, 4);
  const auto weights = uniform_values<float>(n, 99, 0.2F, 1.5F);
  const auto c = wide(context), w = wide(weights);
  // Compares results, lists of vectors, with those of `exact` at the same input and beside it.
  const auto compare = [&](const std::vector<narrow>& actual, const narrow& input, double relative,
                           const auto& exact) {
    const auto moved = [&](double up, double down) {
      values v = wide(input);
      for (std::size_t i = 0; i < v.size(); ++i)
        v[i] += (i % 2 ? up : down) * 4e-6 * (1 + std::abs(v[i]));
      return exact(v);
    };
    const std::vector<values> at = exact(wide(input)), a = moved(1, 1), b = moved(1, -1);
    for (std::size_t k = 0; k < actual.size(); ++k) {
      CAPTURE(k);
      REQUIRE(disagreement(actual[k], at[k], [&](std::size_t i) {
                return relative * scale_of(at[k]) + std::abs(a[k][i] - at[k][i]) +
                       std::abs(b[k][i] - at[k][i]);
              }) == agreed);
    }
  };
  const auto y = f.forward(x, context);
  compare({y.values, y.log_det}, x, tolerance, [&](const values& v) {
    const auto exact = oracle.forward(v, c);
    return std::vector{exact.values, exact.log_det};
  });
  if (f.inverse) {
    const auto back = f.inverse(y.values, context);
    compare({back.values, back.log_det}, y.values, tolerance, [&](const values& v) {
      const auto exact = oracle.inverse(v, c);
      return std::vector{exact.values, exact.log_det};
    });
  }
  if (!f.sample_gradient) return;
  const auto parts = [](const auto& g) {
    return std::vector{g.log_prob, g.by_inputs, g.by_parameters};
  };
  if (f.log_prob_gradient)
    compare(parts(f.log_prob_gradient(y.values, context, weights, 0.5F)), y.values, 10 * tolerance,
            [&](const values& v) { return parts(oracle.log_prob_gradient(v, c, w, 0.5)); });
  compare(parts(f.sample_gradient(x, context, weights)), x, 10 * tolerance,
          [&](const values& v) { return parts(oracle.sample_gradient(v, c, w)); });
}

/// A NaN in the noise stays in its sample: for flows that score only what they draw.
inline void check_nan_stays(const subject<double>& f) {
  const std::size_t n = f.tile + 3;
  const auto x = f.noise(n, 1);
  const auto clean = f.sample_from(x, {});
  for (const std::size_t spoiled : {std::size_t{0}, f.tile - 1, n - 1}) {
    auto bad = x;
    bad[spoiled * f.size + 1] = std::numeric_limits<double>::quiet_NaN();
    const auto y = f.sample_from(bad, {});
    for (std::size_t i = 0; i < n; ++i) {
      if (i == spoiled)
        CHECK(std::isnan(y.log_det[i]));
      else
        CHECK(same_bits(y.log_det[i], clean.log_det[i]));
    }
  }
}

/// A sample with a NaN or an infinity changes no bit of any other, in its tile or the next, in
/// maps, densities and gradients by the data; its own log p is NaN for a NaN.
template <class T> void check_isolation(const subject<T>& f) {
  const std::size_t n = 2 * f.tile + 3;
  const auto context = f.context(n, 4), x = f.noise(n, 3);
  const auto y = f.forward(x, context).values;
  const std::vector<T> weights(n, T(1));
  const auto clean_y = f.forward(x, context), clean_x = f.inverse(y, context);
  const auto clean_p = f.log_prob(y, context);
  const auto clean_g =
      f.log_prob_gradient ? f.log_prob_gradient(y, context, weights, T(1)) : gradients<T>{};
  // Compares all rows but one.
  const auto others = [&](const std::vector<T>& a, const std::vector<T>& b, std::size_t columns,
                          std::size_t spoiled) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (i / columns == spoiled) continue;
      if (!same_bits(a[i], b[i])) return "sample " + std::to_string(i / columns) + " has changed";
    }
    return agreed;
  };
  const auto has_nan = [](const std::vector<T>& v) {
    return std::any_of(v.begin(), v.end(), [](T value) { return std::isnan(value); });
  };
  constexpr T inf = std::numeric_limits<T>::infinity();
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  for (const T bad : {nan, inf, -inf})
    for (const std::size_t s : {std::size_t{0}, f.tile - 1, f.tile, n - 2, n - 1})
      for (const std::size_t d : {std::size_t{0}, f.size / 2, f.size - 1}) {
        if (emulated && (s + d) % 3 != 0) continue;
        CAPTURE(bad, s, d);
        auto spoiled_x = x, spoiled_y = y;
        spoiled_x[s * f.size + d] = bad;
        spoiled_y[s * f.size + d] = bad;
        const auto to = f.forward(spoiled_x, context);
        REQUIRE(others(to.values, clean_y.values, f.size, s) == agreed);
        REQUIRE(others(to.log_det, clean_y.log_det, 1, s) == agreed);
        const auto back = f.inverse(spoiled_y, context);
        REQUIRE(others(back.values, clean_x.values, f.size, s) == agreed);
        REQUIRE(others(back.log_det, clean_x.log_det, 1, s) == agreed);
        const auto p = f.log_prob(spoiled_y, context);
        REQUIRE(others(p, clean_p, 1, s) == agreed);
        if (std::isnan(bad)) {
          REQUIRE(has_nan(rows_from(to.values, s, 1, f.size)));
          REQUIRE(has_nan(rows_from(back.values, s, 1, f.size)));
          REQUIRE(std::isnan(p[s]));
        }
        if (!f.log_prob_gradient) continue;
        const auto g = f.log_prob_gradient(spoiled_y, context, weights, T(1));
        REQUIRE(others(g.by_inputs, clean_g.by_inputs, f.size, s) == agreed);
        REQUIRE(others(g.log_prob, clean_g.log_prob, 1, s) == agreed);
        // What is left in the workspace reaches no later call.
        const auto again = f.log_prob_gradient(y, context, weights, T(1));
        REQUIRE(other_bits(again.by_parameters, clean_g.by_parameters) == agreed);
      }
}

/// How much a check asks of an expression.
struct check_options {
  std::size_t samples = 3;       ///< compared with differences
  float perturbation = 0.3F;     ///< deviation of what is added to the initial parameters
  double tolerance = 1e-7;       ///< of gradients against differences, relative
  double float_tolerance = 1e-5; ///< of float against double, relative to the largest element
  std::uint64_t seed = 17;       ///< of what is added to the initial parameters
};

/// All that double can show: round trip, log-det, gradients, bits.
template <class E> subject<double> check_double(const E& expression, check_options o = {}) {
  auto f = make_subject<double>(expression, o.perturbation, o.seed);
  INFO(f.text);
  const auto x = f.noise(o.samples, 3), context = f.context(o.samples, 4);
  check_round_trip(f, x, context, 1e-9);
  check_log_det(f, x, context, 1e-6);
  check_gradients(f, x, context, o.tolerance);
  check_bits(f, f.noise(71, 6), f.context(71, 7));
  return f;
}

/// The same, and what float can show: the same numbers as double, the same bits on every path.
template <class E> void check_expression(const E& expression, check_options o = {}) {
  const auto oracle = check_double(expression, o);
  const auto f = make_subject<float>(expression, o.perturbation, o.seed);
  INFO("float: " << f.text);
  check_float(f, oracle, 203, o.float_tolerance);
  check_bits(f, f.noise(203, 6), f.context(203, 7));
}

} // namespace bijou::testing

#include "check.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "../support/emulated.hpp"

namespace bijou::testing {

// --- subjects

template <class T> void subject<T>::spoil_workspace() const {
  std::fill(flow->memory.memory.begin(), flow->memory.memory.end(),
            std::numeric_limits<T>::quiet_NaN());
}
template <class T>
mapped_batch<T> subject<T>::mapped(map_call call, const values& v, const values& context) const {
  mapped_batch<T> r{values(v.size()), values(v.size() / size)};
  (*flow.*call)(rows(v, size), rows(context, context_size), to(r.values), r.log_det.data());
  return r;
}
template <class T>
mapped_batch<T> subject<T>::forward(const values& x, const values& context) const {
  return mapped(&flow_calls_of<T>::forward, x, context);
}
template <class T>
mapped_batch<T> subject<T>::inverse(const values& y, const values& context) const {
  return mapped(&flow_calls_of<T>::inverse, y, context);
}
template <class T>
std::vector<T> subject<T>::log_prob(const values& y, const values& context) const {
  values r(y.size() / size);
  flow->log_prob(rows(y, size), rows(context, context_size), r.data());
  return r;
}
template <class T>
mapped_batch<T> subject<T>::sample_from(const values& noise, const values& context) const {
  return mapped(&flow_calls_of<T>::sample_from, noise, context);
}
template <class T> gradients<T> subject<T>::no_gradients(std::size_t count) const {
  return {0, values(parameters.size()), values(count), values(count / size),
          values(count / size * context_size)};
}
template <class T>
gradients<T> subject<T>::log_prob_gradient(const values& y, const values& context,
                                           const values& weights, T scale) const {
  auto g = no_gradients(y.size());
  flow->log_prob_gradient(rows(y, size), rows(context, context_size), weights, scale, g,
                          to(g.by_inputs));
  return g;
}
template <class T>
gradients<T> subject<T>::sample_gradient(const values& noise, const values& context,
                                         const values& weights) const {
  double value = 0;
  const auto function = [&](const sampled_tile<T>& t) {
    for (int i = 0; i < t.count; ++i) {
      const T w = weights[t.first + static_cast<std::size_t>(i)];
      T sum = T(0.3) * t.log_q[i];
      for (int d = 0; d < static_cast<int>(size); ++d) {
        const T shifted = t.variable(d)[i] + static_cast<T>(d);
        sum += std::sin(shifted);
        t.cotangent(d)[i] = w * std::cos(shifted);
      }
      t.log_q_cotangent[i] = T(0.3) * w;
      value += static_cast<double>(w * sum);
    }
  };
  auto g = sample_gradient(noise, context, function);
  g.value = value;
  return g;
}
template <class T>
gradients<T>
subject<T>::sample_gradient(const values& noise, const values& context,
                            const std::function<void(const sampled_tile<T>&)>& function) const {
  auto g = no_gradients(noise.size());
  const auto watched = [&](const sampled_tile<T>& t) {
    function(t);
    std::copy_n(t.log_q, t.count, g.log_prob.data() + t.first);
  };
  flow->sample_gradient(rows(noise, size), rows(context, context_size), watched, g,
                        to(g.by_inputs));
  return g;
}
template <class T> std::vector<T> subject<T>::noise(std::size_t n, std::uint64_t seed) const {
  const values inside = uniform_values<T>(n * size, seed, 0.02F, 0.98F);
  values x = normal_values<T>(n * size, seed);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto [low, high] = noise_ends[i % size];
    // Rounded to float, so that a float and a double subject get the same numbers.
    if (std::isfinite(high))
      x[i] = static_cast<T>(static_cast<float>(low + (high - low) * double{inside[i]}));
    else if (std::isfinite(low))
      x[i] = static_cast<T>(static_cast<float>(low + std::exp(double{x[i]})));
  }
  return x;
}
template <class T> std::vector<T> subject<T>::context(std::size_t n, std::uint64_t seed) const {
  return normal_values<T>(n * context_size, seed);
}

// --- checks

template <class T>
std::string other_bits(const std::vector<T>& actual, const std::vector<T>& expected) {
  if (actual.size() != expected.size()) return "another length";
  for (std::size_t i = 0; i < actual.size(); ++i)
    if (!same_bits(actual[i], expected[i]))
      return "element " + std::to_string(i) + " is " + std::to_string(actual[i]) + ", expected " +
             std::to_string(expected[i]);
  return agreed;
}

template <class T>
void check_round_trip(const subject<T>& f, const std::vector<T>& x, const std::vector<T>& context,
                      double tolerance) {
  if (!f.invertible) return;
  const auto y = f.forward(x, context);
  const auto back = f.inverse(y.values, context);
  REQUIRE(disagreement(back.values, x, [&](std::size_t i) {
            return tolerance * std::max(1.0, std::abs(static_cast<double>(x[i])));
          }) == agreed);
  std::vector<T> negative = y.log_det;
  for (T& v : negative) v = -v;
  REQUIRE(difference_of(back.log_det, negative, 10 * tolerance) == agreed);
}

void check_log_det(const subject<double>& f, const std::vector<double>& x,
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
    if (!f.invertible) continue;
    const auto j_back = numerical_jacobian<double>(
        [&](const std::vector<double>& v) { return f.inverse(v, c).values; }, y.values, by);
    REQUIRE(near(f.inverse(y.values, c).log_det[0], log_abs_det(j_back), tolerance));
  }
}

template <class T>
void check_bits(const subject<T>& f, const std::vector<T>& x, const std::vector<T>& context) {
  const std::size_t n = x.size() / f.size;
  const auto y = f.forward(x, context);
  const auto drawn = f.sample_from(x, context);
  const auto back = f.invertible ? f.inverse(y.values, context) : mapped_batch<T>{};
  const auto scored = f.invertible ? f.log_prob(y.values, context) : std::vector<T>{};
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
      if (!f.invertible) continue;
      const auto xi = f.inverse(rows_from(y.values, i, k, f.size), c);
      REQUIRE(other_bits(xi.values, rows_from(back.values, i, k, f.size)) == agreed);
      REQUIRE(other_bits(xi.log_det, rows_from(back.log_det, i, k, 1)) == agreed);
      REQUIRE(other_bits(f.log_prob(yi.values, c), rows_from(scored, i, k, 1)) == agreed);
    }
}

void check_gradients(const subject<double>& f, const std::vector<double>& noise,
                     const std::vector<double>& given_context, double tolerance) {
  using values = std::vector<double>;
  values context = given_context;
  const std::size_t n = noise.size() / f.size;
  const values weights = uniform_values<double>(n, 99, 0.2F, 1.5F);
  // Small steps: few of them cross the kink of a relu or the knot of a spline.
  const difference_options by{.step = 1e-5};
  const auto compare = [&](const gradients<double>& exact, const auto& total, values& inputs) {
    REQUIRE(near(exact.value, total(), 1e-10 * std::max(1.0, std::abs(exact.value))));
    REQUIRE(difference_of(exact.by_inputs,
                          numerical_gradient<double>(total, std::span<double>(inputs), by),
                          tolerance) == agreed);
    REQUIRE(difference_of(exact.by_context,
                          numerical_gradient<double>(total, std::span<double>(context), by),
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
  if (f.invertible) {
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

void check_float(const subject<float>& f, const subject<double>& oracle, std::size_t n,
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
  if (f.invertible) {
    const auto back = f.inverse(y.values, context);
    compare({back.values, back.log_det}, y.values, tolerance, [&](const values& v) {
      const auto exact = oracle.inverse(v, c);
      return std::vector{exact.values, exact.log_det};
    });
  }
  if (!f.differentiable) return;
  const auto parts = [](const auto& g) {
    return std::vector{g.log_prob, g.by_inputs, g.by_parameters, g.by_context};
  };
  if (f.invertible)
    compare(parts(f.log_prob_gradient(y.values, context, weights, 0.5F)), y.values, 10 * tolerance,
            [&](const values& v) { return parts(oracle.log_prob_gradient(v, c, w, 0.5)); });
  compare(parts(f.sample_gradient(x, context, weights)), x, 10 * tolerance,
          [&](const values& v) { return parts(oracle.sample_gradient(v, c, w)); });
}

void check_nan_stays(const subject<double>& f) {
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

template <class T> void check_isolation(const subject<T>& f) {
  const std::size_t n = 2 * f.tile + 3;
  const auto context = f.context(n, 4), x = f.noise(n, 3);
  const auto y = f.forward(x, context).values;
  const std::vector<T> weights(n, T(1));
  const auto clean_y = f.forward(x, context), clean_x = f.inverse(y, context);
  const auto clean_p = f.log_prob(y, context);
  const auto clean_g =
      f.differentiable ? f.log_prob_gradient(y, context, weights, T(1)) : gradients<T>{};
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
        if (!f.differentiable) continue;
        const auto g = f.log_prob_gradient(spoiled_y, context, weights, T(1));
        REQUIRE(others(g.by_inputs, clean_g.by_inputs, f.size, s) == agreed);
        REQUIRE(others(g.log_prob, clean_g.log_prob, 1, s) == agreed);
        // What is left in the workspace reaches no later call.
        const auto again = f.log_prob_gradient(y, context, weights, T(1));
        REQUIRE(other_bits(again.by_parameters, clean_g.by_parameters) == agreed);
      }
}

void check_double(const subject<double>& f, const check_options& o) {
  INFO(f.text);
  const auto x = f.noise(o.samples, 3), context = f.context(o.samples, 4);
  check_round_trip(f, x, context, 1e-9);
  check_log_det(f, x, context, 1e-6);
  check_gradients(f, x, context, o.tolerance);
  check_bits(f, f.noise(71, 6), f.context(71, 7));
}

void check_float(const subject<float>& f, const subject<double>& oracle, const check_options& o) {
  INFO("float: " << f.text);
  check_float(f, oracle, 203, o.float_tolerance);
  check_bits(f, f.noise(203, 6), f.context(203, 7));
}

template class subject<float>;
template class subject<double>;
template std::string other_bits(const std::vector<float>&, const std::vector<float>&);
template std::string other_bits(const std::vector<double>&, const std::vector<double>&);
template void check_round_trip(const subject<float>&, const std::vector<float>&,
                               const std::vector<float>&, double);
template void check_round_trip(const subject<double>&, const std::vector<double>&,
                               const std::vector<double>&, double);
template void check_bits(const subject<float>&, const std::vector<float>&,
                         const std::vector<float>&);
template void check_bits(const subject<double>&, const std::vector<double>&,
                         const std::vector<double>&);
template void check_isolation(const subject<float>&);
template void check_isolation(const subject<double>&);

} // namespace bijou::testing

#pragma once
/// \file
/// `elbo(target)`: the evidence lower bound of a flow that approximates an unnormalised density.
///
///     ELBO = E_q[log p(z) - log q(z)] <= log Z,   Z = integral of p
///
/// Equality holds where q = p / Z. The gradient is reparametrised: z = f(noise), so that it flows
/// through the samples. Like every objective this one is to be made small: its value is -ELBO.
///
///     const auto [loss, gradient] = value_and_grad(q, elbo(target, {.samples = 1000}));
///
/// Sources: Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014 (1312.6114), section 2;
/// Rezende & Mohamed, "Variational inference with normalizing flows", ICML 2015 (1505.05770),
/// whose experiments anneal; Roeder, Wu & Duvenaud, "Sticking the landing: simple, lower-variance
/// gradient estimators for variational inference", NIPS 2017 (1703.09194).

#include <bijou/training/objectives.hpp>
#include <bijou/training/target.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace bijou::inline BIJOU_ISA {

/// A target whose gradient is path-only: see path_only().
template <class Target> struct path_only_target {
  Target target;
};
/// The target, with the path-only estimator of the ELBO's gradient ("sticking the landing"): the
/// derivative of log q(z) by the parameters at fixed z, whose expectation is 0, is left out. The
/// gradient keeps its mean, and where q is the target its variance is 0. For flows that have an
/// inverse. Cost: about seven times sampling, where the full gradient takes three and a half.
template <class Target> path_only_target<Target> path_only(Target target) {
  return {std::move(target)};
}

/// What elbo takes beside a target.
struct elbo_options {
  std::size_t samples = 256; ///< drawn for an estimate; with a context: one for each of its rows
  double annealing = 1;      ///< factor of log p: the loss is E_q[log q - annealing log p]
  philox noise{};            ///< of the samples: the same ones in every call without a stream
};

namespace detail {

/// How a loss is put together from log q and log p.
struct elbo_scale {
  double annealing; ///< factor of log p
  double gradient;  ///< factor of the gradient
};

/// Draws n samples z_i and adds the scaled gradient of sum_i l_i, l_i = log q(z_i) - annealing
/// log p(z_i), nats. record(i, count, l) is called for the losses of count samples from z_i on; the
/// target sees them numbered from `number`.
template <bool PathOnly, class Flow, class Target, class T = typename Flow::value_type>
void accumulate_elbo(const Flow& q, const Target& target, elbo_scale scale, philox& stream,
                     std::size_t n, std::size_t number, std::span<T> gradient, workspace<T>& ws,
                     batch_view<const T> context,
                     function_ref<void(std::size_t, int, const std::type_identity_t<T>*)> record) {
  using P = simd::pack<T>;
  constexpr auto D = static_cast<std::size_t>(Flow::size);
  constexpr auto C = static_cast<std::size_t>(Flow::context_size);
  const P annealing(static_cast<T>(scale.annealing));
  const P by_log_p(static_cast<T>(-scale.gradient * scale.annealing));
  accumulate_sample_gradient<PathOnly>(
      q, stream, n,
      [&](const sampled_tile<T>& t) {
        std::fill_n(t.log_q_cotangent, t.count, static_cast<T>(scale.gradient));
        for (int s = 0; s < t.count; s += P::size) {
          const int count = std::min(P::size, t.count - s);
          const std::size_t first = t.first + static_cast<std::size_t>(s);
          std::array<P, D> x, g;
          for (std::size_t d = 0; d < D; ++d) x[d] = P::load(t.variable(static_cast<int>(d)) + s);
          const P log_p = target_value_and_grad(
              target, x, context_lanes<P, C, T>(context, sample_numbers{first, count}),
              sample_numbers{number + first, count}, g);
          for (std::size_t d = 0; d < D; ++d)
            (by_log_p * g[d]).store(t.cotangent(static_cast<int>(d)) + s);
          alignas(64) std::array<T, static_cast<std::size_t>(P::size)> losses;
          fnma(annealing, log_p, P::load(t.log_q + s)).store(losses.data());
          record(first, count, losses.data());
        }
      },
      gradient, ws, context);
}

/// Which estimator a target asks for, and the target without that.
template <class Target> struct elbo_estimator {
  static constexpr bool path_only = false;
  static const Target& density(const Target& target) { return target; }
};
template <class Target> struct elbo_estimator<path_only_target<Target>> {
  static constexpr bool path_only = true;
  static const Target& density(const path_only_target<Target>& t) { return t.target; }
};

/// Whether a target suits a flow.
template <class Target, class Flow> constexpr target_mistake find_target_mistake_of() {
  using density =
      std::remove_cvref_t<decltype(elbo_estimator<Target>::density(std::declval<const Target&>()))>;
  return find_target_mistake<density, simd::pack<typename Flow::value_type>,
                             static_cast<std::size_t>(Flow::size),
                             static_cast<std::size_t>(Flow::context_size)>();
}

} // namespace detail

/// What elbo() gives: an objective, -ELBO in nats.
template <class Target, class Context> class elbo_objective {
 public:
  /// What elbo() calls.
  elbo_objective(Target target, const elbo_options& options, Context context)
      : target_(std::move(target)), options_(options), context_(context) {}

  /// The estimate of -ELBO, nats; adds its gradient. With the noise of the options: the same
  /// samples in every call, so that the value is a function of the parameters. -inf and NaN of the
  /// target pass into the value, as inf and NaN. Allocates nothing for up to 8,192 samples (see
  /// negative_log_likelihood).
  /// \throws std::invalid_argument if there are no samples, or lengths do not fit
  template <class Flow, class T = typename Flow::value_type>
  double accumulate(const Flow& q, std::span<T> gradient, workspace<T>& ws) const {
    if constexpr (fits<Flow>()) {
      philox noise = options_.noise;
      return accumulate(q, noise, gradient, ws);
    } else {
      return 0;
    }
  }
  /// The same with the stream's next samples; it is moved on by their number.
  template <class Flow, class T = typename Flow::value_type>
  double accumulate(const Flow& q, philox& stream, std::span<T> gradient, workspace<T>& ws) const {
    if constexpr (fits<Flow>()) {
      batch_view<const T> context{};
      std::size_t n = options_.samples;
      if constexpr (Flow::conditional) {
        context = context_;
        n = context.count;
      }
      if (n == 0) throw std::invalid_argument("elbo: expected samples >= 1, got 0");
      using estimator = detail::elbo_estimator<Target>;
      const double scale = 1 / static_cast<double>(n);
      double sum = 0;
      detail::gradient_total<T>().add(n, gradient, [&](detail::share s, std::span<T> part) {
        const auto rows = Flow::conditional ? detail::part_of(context, s) : context;
        detail::accumulate_elbo<estimator::path_only>(
            q, estimator::density(target_), {options_.annealing, scale}, stream, s.end - s.begin,
            s.begin, part, ws, rows, [&](std::size_t, int count, const T* losses) {
              for (int i = 0; i < count; ++i) sum += static_cast<double>(losses[i]);
            });
      });
      return sum * scale;
    } else {
      return 0;
    }
  }

  /// True, or an error that says what does not fit.
  template <class Flow> static constexpr bool fits() {
    constexpr bool context_fits = Flow::conditional != std::is_same_v<Context, detail::no_context>;
    static_assert(context_fits, "bijou: elbo takes a context, as in elbo(target, options, "
                                "context), exactly if the flow has given<C>");
    if constexpr (context_fits) {
      constexpr auto found = detail::find_target_mistake_of<Target, Flow>();
      constexpr bool callable = found != detail::target_mistake::not_callable;
      static_assert(callable, "bijou: a target is called with an array of D numbers, packs or "
                              "duals of them, and gives log p, as in [](const auto& x) { return "
                              "-x[0] * x[0]; }; or it has value_and_grad(x, gradient)");
      constexpr bool gives_number = found != detail::target_mistake::gives_no_number;
      static_assert(gives_number, "bijou: a target gives log p as a number of the kind that it was "
                                  "called with, that of x[0]");
      return callable && gives_number;
    } else {
      return false;
    }
  }

 private:
  Target target_;
  elbo_options options_;
  [[no_unique_address]] Context context_;
};

/// -ELBO of a target, as an objective: its value and gradient are means over options.samples draws.
/// Cost: about three and a half times sampling, and the target with its gradient.
template <class Target>
elbo_objective<Target, detail::no_context> elbo(Target target, const elbo_options& options = {}) {
  return {std::move(target), options, {}};
}
/// The amortised form, for flows with given<C>: the mean over the contexts' rows c_i of
/// log q(z_i | c_i) - log p(z_i, c_i), one z_i for each. The memory must outlive the objective.
template <class Target, class T>
elbo_objective<Target, batch_view<const T>> elbo(Target target, const elbo_options& options,
                                                 batch_view<const T> context) {
  return {std::move(target), options, context};
}

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// An adaptive integration from its first iteration to its last, whatever the flow and the
/// integrand.

#include <bijou/training/integrand_samples.hpp>
#include <bijou/training/integrate_options.hpp>
#include <bijou/training/parameter_steps.hpp>
#include <bijou/training/trained_flow.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace bijou::inline BIJOU_ISA::detail {

/// What an integration asks of a flow and an integrand beside all that trained_flow says.
template <class T> struct integration_functions {
  /// Adds the gradient of an objective of part of a minibatch. log_mean is that of the whole one's
  /// mean weight.
  using objective = function_ref<void(const log_weighted_batch<T>&, double log_mean, double scale,
                                      std::span<T> gradient, workspace<T>&)>;
  typename integrand_samples<T>::draw_function draw;
  typename integrand_samples<T>::integrand_function integrand;
  objective cross_entropy, second_moment;
};

/// One run: holds what its iterations share.
template <class T> class integration {
  /// Effective share from which on the variance loss's gradient is tame enough to train on.
  static constexpr double tame = 0.3;
  static constexpr double inf = std::numeric_limits<double>::infinity();

 public:
  integration(trained_flow<T>& q, const integration_functions<T>& functions,
              const integrate_options& options)
      : functions_(functions), options_(checked(options)),
        count_(options.evaluations / static_cast<std::size_t>(options.iterations)),
        counted_from_(
            std::max(share_of_iterations(options.warm_up), std::min(1, options.iterations - 1))),
        trained_iterations_(share_of_iterations(options.training)),
        steps_(std::int64_t{1} * trained_iterations_ * options.steps_per_iteration),
        parameters_(q.parameters(), q.make_gradient_workspace(), options.optimizer, options.threads,
                    std::clamp<std::size_t>(options.batch_size / 256, 1, 32), this_process()),
        samples_(q.size(), count_, options.remembered, options.seed, parameters_.threads()),
        batch_(q.size(), options.batch_size), log_weight_(options.iterations == 1 ? 0 : -inf) {
    result_.history.reserve(static_cast<std::size_t>(options.iterations));
  }

  integral_estimate run() {
    for (int k = 0; k < options_.iterations; ++k) {
      samples_.draw(k, functions_.draw, functions_.integrand, parameters_);
      integral_iteration record = estimate(k);
      if (is_trained(k)) {
        train();
        record.power = power_;
      }
      result_.history.push_back(record);
      if (options_.callback) options_.callback(record);
    }
    combine();
    return std::move(result_);
  }

 private:
  bool is_trained(int k) const { return k < trained_iterations_; }

  /// What the newest samples, those of iteration k, say; and their part in the result.
  integral_iteration estimate(int k) {
    weight_moments moments;
    samples_.add_newest_to(moments);
    if (!is_trained(k) || k + 1 == options_.iterations) samples_.add_newest_to(unweighted_);
    integral_iteration record{.iteration = k + 1,
                              .value = moments.mean(),
                              .standard_error = std::exp(moments.log_standard_error()),
                              .effective = moments.effective()};
    if (k >= counted_from_ && log_weight_ > -inf) {
      counted_.add(record.value, moments.log_standard_error(), log_weight_);
      record.weight = std::clamp(std::exp(log_weight_), std::numeric_limits<double>::min(),
                                 std::numeric_limits<double>::max());
    }
    // The next one's weight is what is known before it is drawn: no iteration chooses its own, and
    // the estimate keeps its mean.
    log_weight_ = moments.all_zero() ? -inf : -moments.log_variance();
    return record;
  }
  void combine() {
    const auto combined = counted_.combined();
    result_.value = combined.value;
    result_.standard_error = combined.standard_error;
    result_.chi_squared = combined.chi_squared;
    result_.evaluations = count_ * static_cast<std::size_t>(options_.iterations);
    result_.unweighting_efficiency = unweighted_.kept();
  }

  /// Steps on the remembered samples, for |f| to the power of power_.
  void train() {
    const double effective = samples_.effective_share(1);
    if (effective >= options_.least_effective)
      power_ = 1;
    else if (power_ < 1)
      raise_power();
    by_variance_ = effective >= tame;
    for (int i = 0; i < options_.steps_per_iteration; ++i)
      if (samples_.gather(power_, batch_)) step();
  }
  /// The largest power of which enough of the newest samples are effective; never less than it was.
  void raise_power() {
    double high = 1;
    for (int i = 0; i < 30; ++i) {
      const double middle = 0.5 * (power_ + high);
      (samples_.effective_share(middle) >= options_.least_effective ? power_ : high) = middle;
    }
  }
  void step() {
    const std::size_t n = batch_.count();
    const double log_mean = log_mean_weight(batch_.part({0, n}));
    const double scale = 1 / static_cast<double>(n);
    const auto& objective = by_variance_ ? functions_.second_moment : functions_.cross_entropy;
    parameters_.reduce([&] {
      parameters_.for_each_share([&](std::size_t i, std::span<T> gradient, workspace<T>& ws) {
        objective(batch_.part(share::of(n, i, parameters_.shares())), log_mean, scale, gradient,
                  ws);
      });
      return 0.0; // nobody asks for the loss
    });
    const double factor = options_.schedule ? options_.schedule(step_, steps_) : 1.0;
    const double norm = parameters_.step(factor);
    ++step_;
    if (!std::isfinite(norm))
      throw training_error("integrate: in step " + std::to_string(step_) +
                               ", the gradient's norm became " + std::to_string(norm) +
                               ". The flow has the last good parameters. Try a lower learning rate "
                               "or max_norm",
                           0, step_);
  }

  int share_of_iterations(double share) const {
    return static_cast<int>(std::lround(share * options_.iterations));
  }
  static const integrate_options& checked(const integrate_options& o) {
    const auto expect = [](bool good, const char* what) {
      if (!good) throw std::invalid_argument(std::string("integrate: expected ") + what);
    };
    expect(o.iterations >= 1, "iterations >= 1");
    expect(o.evaluations / static_cast<std::size_t>(o.iterations) >= 2,
           "at least two evaluations an iteration");
    expect(o.warm_up >= 0 && o.warm_up < 1, "0 <= warm_up < 1");
    expect(o.training >= 0 && o.training <= 1, "0 <= training <= 1");
    expect(o.steps_per_iteration >= 0, "steps_per_iteration >= 0");
    expect(o.batch_size >= 1, "batch_size >= 1");
    expect(o.remembered >= 1, "remembered >= 1");
    expect(o.least_effective >= 0 && o.least_effective < 1, "0 <= least_effective < 1");
    return o;
  }

  const integration_functions<T>& functions_;
  const integrate_options& options_;
  std::size_t count_; // samples of an iteration
  int counted_from_, trained_iterations_;
  std::int64_t steps_;
  std::int64_t step_ = 0;
  parameter_steps<T> parameters_;
  integrand_samples<T> samples_;
  integrand_minibatch<T> batch_;
  double power_ = 0;
  bool by_variance_ = false;
  double log_weight_; // of the coming iteration
  weight_moments unweighted_;
  weighted_estimates counted_;
  integral_estimate result_;
};

template <class T>
integral_estimate run_integration(trained_flow<T>& q, const integration_functions<T>& functions,
                                  const integrate_options& options) {
  return integration<T>(q, functions, options).run();
}

/// The same for a flow and an integrand of their own types.
template <class Flow, class Integrand>
integral_estimate integrate_flow(Flow& q, const Integrand& integrand,
                                 const integrate_options& options) {
  using T = typename Flow::value_type;
  using batch = log_weighted_batch<T>;
  trained<Flow> flow(q);
  const auto draw = [&](philox& stream, batch_view<T> y, T* log_q, workspace<T>& ws) {
    q.sample_and_log_prob(stream, y, log_q, ws);
  };
  const auto value = [&](std::span<const double> x) {
    std::array<double, static_cast<std::size_t>(Flow::size)> point;
    std::copy_n(x.data(), point.size(), point.data());
    return static_cast<double>(integrand(std::as_const(point)));
  };
  const auto cross_entropy = [&](const batch& b, double log_mean, double scale,
                                 std::span<T> gradient, workspace<T>& ws) {
    accumulate_cross_entropy(q, b, log_mean, scale, gradient, ws);
  };
  const auto second_moment = [&](const batch& b, double log_mean, double scale,
                                 std::span<T> gradient, workspace<T>& ws) {
    accumulate_second_moment(q, b, log_mean, scale, gradient, ws);
  };
  return run_integration<T>(flow, {draw, value, cross_entropy, second_moment}, options);
}

} // namespace bijou::inline BIJOU_ISA::detail

#pragma once
/// \file
/// `integrate(flow, integrand, options)`: an integral by importance sampling, with a flow that
/// learns the integrand from the very samples that estimate it.
///
///     constexpr auto bend = autoregressive<32>(rational_quadratic<16>.unit_box());
///     auto q = make_flow<float>(uniform<4> | bend);
///     const auto i = integrate(q, f, {.evaluations = 1'000'000});
///     // i.value +- i.standard_error
///
/// Sources: Müller, McWilliams, Rousselle, Gross & Novák, "Neural importance sampling", ACM
/// Transactions on Graphics 38 (2019), 1808.03856, for the objectives; Lepage, "A new algorithm for
/// adaptive multidimensional integration", Journal of Computational Physics 27 (1978), for
/// iterations whose estimates are combined and compared.

#include <bijou/flow/calls.hpp>
#include <bijou/flow/thread_team.hpp>
#include <bijou/flow/workspace.hpp>
#include <bijou/grammar/kind.hpp>
#include <bijou/inference/diagnostics.hpp>
#include <bijou/interop/batch.hpp>
#include <bijou/kernels/aligned.hpp>
#include <bijou/random/philox.hpp>
#include <bijou/random/shuffle.hpp>
#include <bijou/training/adam.hpp>
#include <bijou/training/fit_options.hpp>
#include <bijou/training/fit_result.hpp>
#include <bijou/training/importance.hpp>
#include <bijou/training/parameter_steps.hpp>
#include <bijou/training/schedule.hpp>
#include <bijou/training/weight_moments.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// One iteration: new samples, all of one proposal.
struct integral_iteration {
  int iteration = 0;         ///< from 1
  double value = 0;          ///< its own estimate of the integral
  double standard_error = 0; ///< of value
  /// Of value in the result, not normalised: 1 / the variance of a sample of the iteration before,
  /// or the nearest number to that which double has. 0 while warming up.
  double weight = 0;
  double effective = 0; ///< effective sample size by |f| / q, a share of the samples
  /// The flow was then trained on |f| to this power; NaN if it was not.
  double power = std::numeric_limits<double>::quiet_NaN();
};

/// What integrate takes; all of it has defaults. Shares of the iterations are rounded.
struct integrate_options {
  std::size_t evaluations = 1'000'000; ///< of the integrand, in all
  int iterations = 100;                ///< of evaluations / iterations samples each
  double warm_up = 0.3;         ///< share of the iterations that only train, at least the first one
  double training = 0.6;        ///< share of the iterations after which the flow is trained
  int steps_per_iteration = 50; ///< of the optimizer
  std::size_t batch_size = 1024; ///< samples of a step
  int remembered = 20;           ///< the latest iterations, whose samples are trained on
  /// While fewer samples than this share are effective, the flow is trained on the power of |f| of
  /// which as many are: modes that few samples have met are not lost. 0: always on |f|.
  double least_effective = 0.05;
  adam_options optimizer{.learning_rate = 5e-3};
  /// Scales the learning rate: any callable (step, total steps) -> factor.
  bijou::schedule schedule = schedules::cosine{};
  std::uint64_t seed = 0; ///< of the samples, and of the order they are trained on
  int threads = 1;        ///< they call the integrand at once
  /// Called after each iteration.
  std::function<void(const integral_iteration&)> callback{};
};

/// What integrate gives back.
struct integral_estimate {
  double value = 0;
  double standard_error = 0;
  /// Of the iterations about value, per degree of freedom: about 1 if errors are what they say; 1.3
  /// to 2 also where f / q has a long tail, as at an edge of f that q has rounded off, although
  /// value is right within its error. NaN if fewer than two count.
  double chi_squared = std::numeric_limits<double>::quiet_NaN();
  /// What rejection would keep, to draw from |f| itself: mean w / max w, w = |f| / q, of the
  /// samples that were drawn after the training (of the last iteration's, if that was trained on
  /// too).
  double unweighting_efficiency = 0;
  std::size_t evaluations = 0; ///< of the integrand
  std::vector<integral_iteration> history;
};

namespace detail {

/// One run: holds what its iterations share.
template <class Flow, class Integrand> class integration {
  using T = typename Flow::value_type;
  static constexpr auto size = static_cast<std::size_t>(Flow::size);
  /// Effective share from which on the variance loss's gradient is tame enough to train on.
  static constexpr double tame = 0.3;

 public:
  integration(Flow& q, const Integrand& f, const integrate_options& options)
      : q_(q), integrand_(f), options_(checked(options)),
        count_(options.evaluations / static_cast<std::size_t>(options.iterations)),
        trained_iterations_(share_of_iterations(options.training)),
        steps_(std::int64_t{1} * trained_iterations_ * options.steps_per_iteration),
        parameters_(q.parameters(), q.make_gradient_workspace(), options.optimizer, options.threads,
                    std::clamp<std::size_t>(options.batch_size / 256, 1, 32), this_process()),
        remembered_(count_ * static_cast<std::size_t>(options.remembered)), log_weights_(count_),
        rows_(options.batch_size), samples_(options.batch_size * size),
        step_log_weights_(options.batch_size), log_proposal_(options.batch_size) {
    result_.history.reserve(static_cast<std::size_t>(options.iterations));
  }

  integral_estimate run() {
    const int counted_from =
        std::max(share_of_iterations(options_.warm_up), std::min(1, options_.iterations - 1));
    weight_moments unweighted;
    weighted_estimates counted;
    constexpr double inf = std::numeric_limits<double>::infinity();
    double log_weight = options_.iterations == 1 ? 0 : -inf; // of the coming iteration
    for (int k = 0; k < options_.iterations; ++k) {
      draw(k);
      const bool trained = k < trained_iterations_;
      weight_moments moments;
      for (std::size_t i = newest_; i < newest_ + count_; ++i) {
        moments.add(remembered_.log_weights[i], remembered_.signs[i]);
        if (!trained || k + 1 == options_.iterations)
          unweighted.add(remembered_.log_weights[i], remembered_.signs[i]);
      }
      integral_iteration record{.iteration = k + 1,
                                .value = moments.mean(),
                                .standard_error = std::exp(moments.log_standard_error()),
                                .effective = moments.effective()};
      if (k >= counted_from && log_weight > -inf) {
        counted.add(record.value, moments.log_standard_error(), log_weight);
        record.weight = std::clamp(std::exp(log_weight), std::numeric_limits<double>::min(),
                                   std::numeric_limits<double>::max());
      }
      // Of the next one: by what is known before it is drawn, so that no iteration chooses its own
      // weight and the estimate keeps its mean.
      log_weight = moments.all_zero() ? -inf : -moments.log_variance();
      if (trained) {
        train();
        record.power = power_;
      }
      result_.history.push_back(record);
      if (options_.callback) options_.callback(record);
    }
    const auto combined = counted.combined();
    result_.value = combined.value;
    result_.standard_error = combined.standard_error;
    result_.chi_squared = combined.chi_squared;
    result_.evaluations = count_ * static_cast<std::size_t>(options_.iterations);
    result_.unweighting_efficiency = unweighted.kept();
    return std::move(result_);
  }

 private:
  /// Samples of the latest iterations: a ring with a place for each.
  struct memory {
    explicit memory(std::size_t n)
        : samples(n * size), log_values(n), log_weights(n), log_proposal(n), signs(n) {}
    aligned_vector<T> samples;       // (n, D)
    std::vector<double> log_values;  // log |f|, -inf where f is 0
    std::vector<double> log_weights; // log(|f| / q), likewise
    aligned_vector<T> log_proposal;  // log q of the proposal that drew them
    std::vector<std::int8_t> signs;  // of f
  };

  /// New samples into the place of iteration k, and what the integrand is there.
  void draw(int k) {
    newest_ = static_cast<std::size_t>(k % options_.remembered) * count_;
    filled_ = std::max(filled_, newest_ + count_);
    const std::uint64_t drawn = static_cast<std::uint64_t>(k) * count_;
    parameters_.run([&](std::size_t rank, workspace<T>& ws) {
      const share mine = share::of(count_, rank, static_cast<std::size_t>(parameters_.threads()));
      const std::size_t first = newest_ + mine.begin, n = mine.end - mine.begin;
      philox stream(options_.seed);
      stream.advance(drawn + mine.begin);
      T* const samples = remembered_.samples.data() + first * size;
      q_.sample_and_log_prob(stream, rows_of(samples, n, Flow::size),
                             remembered_.log_proposal.data() + first, ws);
      for (std::size_t i = 0; i < n; ++i) evaluate(first + i, drawn + mine.begin + i);
    });
  }
  /// The integrand at the sample in place i, which is the one of this number.
  void evaluate(std::size_t i, std::uint64_t number) {
    std::array<double, size> x;
    const philox noise(options_.seed);
    std::array<std::uint32_t, 4> words{};
    for (std::size_t d = 0; d < size; ++d) {
      T& coordinate = remembered_.samples[i * size + d];
      coordinate = inside_box(coordinate);
      if constexpr (std::is_same_v<T, float>) {
        if (d % 4 == 0)
          words = noise.block(number, static_cast<std::uint32_t>(d / 4), domain::rounding);
        x[d] = unrounded(coordinate, (words[d % 4] + 0.5) * 0x1p-32);
      } else {
        x[d] = coordinate;
      }
    }
    const auto log_q = static_cast<double>(remembered_.log_proposal[i]);
    if (!std::isfinite(log_q))
      throw std::invalid_argument("integrate: log q of the flow's sample is " + number_name(log_q) +
                                  " at " + point_text(x) + ": are its parameters finite?");
    const auto value = static_cast<double>(integrand_(std::as_const(x)));
    if (!std::isfinite(value)) {
      throw std::invalid_argument("integrate: the integrand is " + number_name(value) + " at " +
                                  point_text(x));
    }
    remembered_.log_values[i] = std::log(std::abs(value));
    remembered_.log_weights[i] = remembered_.log_values[i] - log_q;
    remembered_.signs[i] = static_cast<std::int8_t>(value < 0 ? -1 : 1);
  }
  /// What rounding has put on an end of the box lies half an epsilon inside: there an integrand may
  /// be infinite whose integral is not.
  static T inside_box(T x) {
    constexpr T step = std::numeric_limits<T>::epsilon() / 2;
    return x <= T(0) ? step : x >= T(1) ? T(1) - step : x;
  }
  /// One of the numbers that round to x, the share u of their way from the smallest. In float x
  /// alone would sum the integrand over a lattice: of 1 / sqrt(1 - x) that loses 1e-4 of the
  /// integral, in the last few numbers below 1.
  static double unrounded(float x, double u) {
    const double low = 0.5 * (double{x} + double{std::nextafter(x, 0.0F)});
    const double high =
        x == inside_box(1.0F) ? 1 : 0.5 * (double{x} + double{std::nextafter(x, 1.0F)});
    return std::min(low + u * (high - low), 1 - 0.5 * std::numeric_limits<double>::epsilon());
  }
  /// "-nan" says no more than "nan".
  static std::string number_name(double x) { return std::isnan(x) ? "nan" : std::to_string(x); }

  /// Steps on the remembered samples, for |f| to the power of power_.
  void train() {
    const double effective = effective_share(1);
    if (effective >= options_.least_effective)
      power_ = 1;
    else if (power_ < 1)
      raise_power();
    by_variance_ = effective >= tame;
    for (int i = 0; i < options_.steps_per_iteration; ++i)
      if (gather()) step();
  }

  /// The largest power of which enough of the newest samples are effective; never less than it was.
  void raise_power() {
    double high = 1;
    for (int i = 0; i < 30; ++i) {
      const double middle = 0.5 * (power_ + high);
      (effective_share(middle) >= options_.least_effective ? power_ : high) = middle;
    }
  }
  /// Of the newest samples, with |f| to a power.
  double effective_share(double power) {
    for (std::size_t i = 0; i < count_; ++i)
      log_weights_[i] = log_weight_to_power(newest_ + i, power);
    return effective_sample_size(std::span<const double>(log_weights_)) /
           static_cast<double>(count_);
  }

  /// The next minibatch: all remembered samples in a new order again and again. False if the
  /// integrand is 0 at all of them: there is nothing to learn from then.
  bool gather() {
    constexpr double inf = std::numeric_limits<double>::infinity();
    double largest = -inf;
    for (std::uint32_t& row : rows_) {
      if (next_ == order_.size()) {
        order_.resize(filled_);
        std::iota(order_.begin(), order_.end(), 0U);
        shuffle(order_, philox(options_.seed), ++pass_);
        next_ = 0;
      }
      row = order_[next_++];
      largest = std::max(largest, remembered_.log_values[row]);
    }
    if (largest == -inf) return false;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const std::size_t row = rows_[i];
      std::copy_n(&remembered_.samples[row * size], size, &samples_[i * size]);
      log_proposal_[i] = remembered_.log_proposal[row];
      step_log_weights_[i] = log_weight_to_power(row, power_);
    }
    return true;
  }
  log_weighted_batch<T> minibatch(share s) const {
    const std::size_t n = s.end - s.begin;
    return {rows_of(samples_.data() + s.begin * size, n, Flow::size),
            std::span<const double>(step_log_weights_).subspan(s.begin, n),
            std::span<const T>(log_proposal_).subspan(s.begin, n)};
  }
  /// log(|f|^power / q) of a remembered sample.
  double log_weight_to_power(std::size_t i, double power) const {
    const double log_value = remembered_.log_values[i];
    if (std::isinf(log_value)) return log_value; // f is 0, to the power of 0 too
    return power * log_value - static_cast<double>(remembered_.log_proposal[i]);
  }

  void step() {
    const std::size_t n = rows_.size();
    const double log_mean = log_mean_weight(minibatch({0, n}));
    const double scale = 1 / static_cast<double>(n);
    parameters_.reduce([&] {
      parameters_.for_each_share([&](std::size_t i, std::span<T> gradient, workspace<T>& ws) {
        const auto part = minibatch(share::of(n, i, parameters_.shares()));
        if (by_variance_)
          accumulate_second_moment(q_, part, log_mean, scale, gradient, ws);
        else
          accumulate_cross_entropy(q_, part, log_mean, scale, gradient, ws);
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

  Flow& q_;
  const Integrand& integrand_;
  const integrate_options& options_;
  std::size_t count_; // samples of an iteration
  int trained_iterations_;
  std::int64_t steps_;
  std::int64_t step_ = 0;
  parameter_steps<T> parameters_;
  memory remembered_;
  std::size_t newest_ = 0, filled_ = 0; // the newest iteration's first place; how many are taken
  std::vector<double> log_weights_;     // of an iteration
  double power_ = 0;
  bool by_variance_ = false;
  // A minibatch: which places, and what is there.
  std::vector<std::uint32_t> rows_, order_;
  aligned_vector<T> samples_;
  std::vector<double> step_log_weights_;
  std::vector<T> log_proposal_;
  std::size_t next_ = 0;
  std::uint64_t pass_ = 0;
  integral_estimate result_;
};

} // namespace detail

/// The integral of f over the unit box [0, 1]^D. Other domains: change variables in f.
///
/// Each iteration draws samples of q, whose mean f / q is an estimate without bias, and then trains
/// q on the samples of the latest iterations: by the cross entropy (forward_kl) at first, by the
/// variance of f / q (variance_loss) once 0.3 of the samples are effective. The result weighs each
/// iteration's value by the inverse variance of the iteration *before* it, known before its samples
/// are drawn. f may change its sign: q is drawn towards |f| / integral |f| then.
///
/// An estimate knows only what q has met: a peak between all samples is missed without a word, by
/// this as by every Monte Carlo method. 0 +- 0 says that f was 0 at all samples.
///
/// f is called inside the box alone, where its ends may be singular: a coordinate that rounding has
/// put on an end (exactly 1 occurs) is taken half an epsilon inside, and in float the bits of x
/// that float does not have are drawn at random. The scale of f does not matter: moments are taken
/// in units of the largest |f| / q.
///
/// The same seed gives the same bits, whatever the number of threads, if f does. Memory: D + 6
/// numbers for each remembered sample, six vectors of the parameters' length, one more for each 256
/// samples of a batch, a workspace for each thread. Cost: a sampling for each evaluation, about
/// five and a half passes for each sample of a step.
/// \param integrand f(x) of one sample, a std::array<double, D>; called by several threads at once
/// if so asked
/// \throws std::invalid_argument if options do not fit, or f is NaN or infinite; training_error
/// if a gradient becomes so. q keeps the parameters of the last step
template <class Flow, class Integrand>
integral_estimate integrate(Flow& q, const Integrand& integrand,
                            const integrate_options& options = {}) {
  constexpr bool conditional = Flow::conditional;
  static_assert(!conditional, "bijou: integrate takes flows without given<C>");
  constexpr bool in_box =
      std::ranges::all_of(Flow::program_type::support, [](kind k) { return k == kind::unit; });
  static_assert(in_box, "bijou: integrate takes flows on the unit box, as in "
                        "uniform<D> | autoregressive<32>(rational_quadratic<8>.unit_box())");
  using point = std::array<double, static_cast<std::size_t>(Flow::size)>;
  constexpr bool callable = std::is_invocable_r_v<double, const Integrand&, const point&>;
  static_assert(callable, "bijou: integrate calls the integrand with a std::array<double, D>, and "
                          "expects a number");
  if constexpr (!conditional && in_box && callable && detail::check_inverse<Flow>())
    return detail::integration<Flow, Integrand>(q, integrand, options).run();
  else
    return {};
}

} // namespace bijou::inline BIJOU_ISA

#pragma once
/// \file
/// The samples that an adaptive integration remembers, and the minibatches that it trains on.

#include <bijou/flow/thread_team.hpp>
#include <bijou/inference/diagnostics.hpp>
#include <bijou/interop/batch.hpp>
#include <bijou/kernels/aligned.hpp>
#include <bijou/kernels/function_ref.hpp>
#include <bijou/random/philox.hpp>
#include <bijou/random/shuffle.hpp>
#include <bijou/training/fit_result.hpp>
#include <bijou/training/importance.hpp>
#include <bijou/training/parameter_steps.hpp>
#include <bijou/training/weight_moments.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace bijou::inline BIJOU_ISA::detail {

/// Samples of one step with the weights that they have in it.
template <class T> class integrand_minibatch {
 public:
  integrand_minibatch(int size, std::size_t count)
      : size_(size), samples_(count * static_cast<std::size_t>(size)), log_weights_(count),
        log_proposal_(count) {}

  std::size_t count() const { return log_weights_.size(); }
  void set(std::size_t i, std::span<const T> sample, double log_weight, T log_proposal) {
    std::copy(sample.begin(), sample.end(), samples_.data() + i * sample.size());
    log_weights_[i] = log_weight;
    log_proposal_[i] = log_proposal;
  }
  log_weighted_batch<T> part(share s) const {
    const std::size_t n = s.end - s.begin;
    return {rows_of(samples_.data() + s.begin * static_cast<std::size_t>(size_), n, size_),
            std::span(log_weights_).subspan(s.begin, n),
            std::span(log_proposal_).subspan(s.begin, n)};
  }

 private:
  int size_;
  aligned_vector<T> samples_; // (n, D)
  std::vector<double> log_weights_;
  std::vector<T> log_proposal_;
};

/// Samples of the latest iterations, and the integrand at each: a ring with a place for every
/// iteration.
template <class T> class integrand_samples {
 public:
  /// Draws samples into rows, with log q of each.
  using draw_function = function_ref<void(philox&, batch_view<T>, T* log_q, workspace<T>&)>;
  /// The integrand at a point of D coordinates.
  using integrand_function = function_ref<double(std::span<const double>)>;

  integrand_samples(int size, std::size_t count, int iterations, std::uint64_t seed, int threads)
      : size_(static_cast<std::size_t>(size)), count_(count),
        iterations_(static_cast<std::size_t>(iterations)), seed_(seed),
        samples_(count * iterations_ * size_), log_values_(count * iterations_),
        log_weights_(count * iterations_), log_proposal_(count * iterations_),
        signs_(count * iterations_), log_powers_(count),
        points_(size_ * static_cast<std::size_t>(threads)) {}

  /// New samples into the place of iteration k, and what the integrand is there.
  void draw(int k, draw_function draw, integrand_function integrand, parameter_steps<T>& threads) {
    newest_ = static_cast<std::size_t>(k) % iterations_ * count_;
    filled_ = std::max(filled_, newest_ + count_);
    const std::uint64_t drawn = static_cast<std::uint64_t>(k) * count_;
    threads.run([&](std::size_t rank, workspace<T>& ws) {
      const share mine = share::of(count_, rank, static_cast<std::size_t>(threads.threads()));
      const std::size_t first = newest_ + mine.begin, n = mine.end - mine.begin;
      philox stream(seed_);
      stream.advance(drawn + mine.begin);
      draw(stream, rows_of(samples_.data() + first * size_, n, static_cast<int>(size_)),
           log_proposal_.data() + first, ws);
      const std::span<double> point = std::span(points_).subspan(rank * size_, size_);
      for (std::size_t i = 0; i < n; ++i)
        evaluate(first + i, drawn + mine.begin + i, integrand, point);
    });
  }

  /// Adds the newest samples.
  void add_newest_to(weight_moments& moments) const {
    for (std::size_t i = newest_; i < newest_ + count_; ++i)
      moments.add(log_weights_[i], signs_[i]);
  }
  /// The effective share of the newest samples, with |f| to a power.
  double effective_share(double power) {
    for (std::size_t i = 0; i < count_; ++i)
      log_powers_[i] = log_weight_to_power(newest_ + i, power);
    return effective_sample_size(std::span<const double>(log_powers_)) /
           static_cast<double>(count_);
  }

  /// The next minibatch, for |f| to a power: all samples in a new order again and again. False if
  /// the integrand is 0 at all of them: there is nothing to learn from then.
  bool gather(double power, integrand_minibatch<T>& batch) {
    bool any = false;
    for (std::size_t i = 0; i < batch.count(); ++i) {
      if (next_ == order_.size()) {
        order_.resize(filled_);
        std::iota(order_.begin(), order_.end(), 0U);
        shuffle(order_, philox(seed_), ++pass_);
        next_ = 0;
      }
      const std::size_t row = order_[next_++];
      any |= log_values_[row] > -std::numeric_limits<double>::infinity();
      batch.set(i, std::span<const T>(samples_).subspan(row * size_, size_),
                log_weight_to_power(row, power), log_proposal_[row]);
    }
    return any;
  }

 private:
  /// The integrand at the sample in place i, which is the one of this number.
  void evaluate(std::size_t i, std::uint64_t number, integrand_function integrand,
                std::span<double> x) {
    const philox noise(seed_);
    std::array<std::uint32_t, 4> words{};
    for (std::size_t d = 0; d < size_; ++d) {
      T& coordinate = samples_[i * size_ + d];
      coordinate = inside_box(coordinate);
      if constexpr (std::is_same_v<T, float>) {
        if (d % 4 == 0)
          words = noise.block(number, static_cast<std::uint32_t>(d / 4), domain::rounding);
        x[d] = unrounded(coordinate, (words[d % 4] + 0.5) * 0x1p-32);
      } else {
        x[d] = coordinate;
      }
    }
    const auto log_q = static_cast<double>(log_proposal_[i]);
    if (!std::isfinite(log_q))
      throw std::invalid_argument("integrate: log q of the flow's sample is " + number_name(log_q) +
                                  " at " + point_text(x) + ": are its parameters finite?");
    const double value = integrand(x);
    if (!std::isfinite(value)) {
      throw std::invalid_argument("integrate: the integrand is " + number_name(value) + " at " +
                                  point_text(x));
    }
    log_values_[i] = std::log(std::abs(value));
    log_weights_[i] = log_values_[i] - log_q;
    signs_[i] = static_cast<std::int8_t>(value < 0 ? -1 : 1);
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

  /// log(|f|^power / q) of a sample.
  double log_weight_to_power(std::size_t i, double power) const {
    if (std::isinf(log_values_[i])) return log_values_[i]; // f is 0, to the power of 0 too
    return power * log_values_[i] - static_cast<double>(log_proposal_[i]);
  }

  std::size_t size_, count_, iterations_;
  std::uint64_t seed_;
  aligned_vector<T> samples_;           // (n, D)
  std::vector<double> log_values_;      // log |f|, -inf where f is 0
  std::vector<double> log_weights_;     // log(|f| / q), likewise
  aligned_vector<T> log_proposal_;      // log q of the proposal that drew them
  std::vector<std::int8_t> signs_;      // of f
  std::size_t newest_ = 0, filled_ = 0; // the newest iteration's first place; how many are taken
  std::vector<double> log_powers_;      // of an iteration
  std::vector<double> points_;          // D coordinates for each thread
  // The order in which minibatches take them, and how far they are.
  std::vector<std::uint32_t> order_;
  std::size_t next_ = 0;
  std::uint64_t pass_ = 0;
};

} // namespace bijou::inline BIJOU_ISA::detail

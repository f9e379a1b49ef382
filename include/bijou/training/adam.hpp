#pragma once
/// \file
/// Adam over flat vectors: moments, bias correction, decoupled weight decay, norm clipping.
///
/// Parameters, gradient and both moments share one flat layout, so a step is a single loop. Entries
/// whose parameter and gradient are zero (padding, masked weights) stay exactly zero.
///
/// Sources: Kingma & Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1;
/// Loshchilov & Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2 (AdamW).

#include <bijou/kernels/simd.hpp>
#include <bijou/transformers/option_text.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// Euclidean norm of a flat vector times 2^Exponent.
template <int Exponent, class T> double scaled_norm(std::span<const T> gradient) {
  using pack = simd::pack<double>;
  constexpr std::size_t width = 16;
  constexpr std::size_t packs = width / static_cast<std::size_t>(pack::size);
  std::array<pack, packs> sums;
  sums.fill(pack(0.0));
  alignas(64) std::array<double, width> block{};
  const auto add = [&] {
    for (std::size_t j = 0; j < packs; ++j) {
      pack x = pack::load(block.data() + j * static_cast<std::size_t>(pack::size));
      if constexpr (Exponent != 0) x = pack(std::ldexp(1.0, Exponent)) * x;
      sums[j] += x * x; // not fused: the same bits with and without an FMA unit
    }
  };
  std::size_t i = 0;
  for (; i + width <= gradient.size(); i += width) {
    for (std::size_t j = 0; j < width; ++j) block[j] = static_cast<double>(gradient[i + j]);
    add();
  }
  if (i < gradient.size()) {
    block.fill(0);
    for (std::size_t j = 0; i + j < gradient.size(); ++j)
      block[j] = static_cast<double>(gradient[i + j]);
    add();
  }
  for (std::size_t j = 0; j < packs; ++j)
    sums[j].store(block.data() + j * static_cast<std::size_t>(pack::size));
  double sum = 0;
  for (const double s : block) sum += s;
  return std::sqrt(sum);
}

} // namespace detail

/// Euclidean norm of a flat vector, in double.
///
/// Sixteen partial sums (element i goes to sum i mod 16), added in order: the result depends
/// neither on the instruction set nor on the compiler. Not finite exactly when an element is not
/// finite (or, for double, when the norm is too large for it). Cost: one read of the vector, and
/// another where squares leave the range of double.
template <class T> double gradient_norm(std::span<const T> gradient) {
  const double norm = detail::scaled_norm<0>(gradient);
  constexpr double large = 0x1p450; // squares of such numbers are far from both ends of double
  if (std::is_same_v<T, float> || (norm > 1 / large && norm < large)) return norm;
  return norm < 1 ? std::ldexp(detail::scaled_norm<600>(gradient), -600)
                  : std::ldexp(detail::scaled_norm<-600>(gradient), 600);
}

/// Settings of Adam, named as in the paper.
struct adam_options {
  double learning_rate = 1e-3; ///< before the schedule's factor
  double beta1 = 0.9;          ///< of the running mean of gradients
  double beta2 = 0.999;        ///< of the running mean of their squares
  double epsilon = 1e-8;       ///< added to the root of the latter
  /// Decoupled: every step multiplies parameters by 1 - rate * weight_decay.
  double weight_decay = 0;
  /// Gradients with a larger norm are scaled down to it: those of densities have spikes. Infinity:
  /// only where their squares would not fit the type (from 1e19 on in float).
  double max_norm = 10;
};

/// The optimizer: its moments and its step count. A regular value; copy it to keep a checkpoint.
///
///     adam<float> optimizer(flow.parameters().size(), {.learning_rate = 3e-3});
///     optimizer.step(flow.parameters(), gradient);
template <class T> class adam {
 public:
  /// For vectors of `size` entries. \throws std::invalid_argument if an option is out of range
  explicit adam(std::size_t size, adam_options options = {})
      : options_(options), first_(size), second_(size) {
    const auto check = [](bool good, const char* what, double value) {
      if (!good)
        throw std::invalid_argument("adam: expected " + std::string(what) + ", got " +
                                    detail::number_text(value));
    };
    constexpr bool single = std::is_same_v<T, float>;
    constexpr double inf = std::numeric_limits<double>::infinity();
    constexpr auto largest = double{std::numeric_limits<T>::max()};
    check(options.learning_rate >= 0 && options.learning_rate <= largest,
          single ? "a learning_rate >= 0 that float can hold" : "a finite learning_rate >= 0",
          options.learning_rate);
    check(options.beta1 >= 0 && options.beta1 < 1, "0 <= beta1 < 1", options.beta1);
    check(options.beta2 >= 0 && options.beta2 < 1, "0 <= beta2 < 1", options.beta2);
    // Where a parameter has never had a gradient, epsilon is all that there is to divide by.
    check(options.epsilon >= double{std::numeric_limits<T>::min()} && options.epsilon <= largest,
          single ? "an epsilon > 0 that float can hold" : "a finite epsilon > 0", options.epsilon);
    check(options.weight_decay >= 0 && options.weight_decay < inf, "a finite weight_decay >= 0",
          options.weight_decay);
    check(options.max_norm > 0, "max_norm > 0", options.max_norm);
  }

  /// Moves the parameters one step against the gradient; `factor` scales the learning rate (see
  /// schedule.hpp). Returns the gradient's norm before clipping. When that is not finite nothing is
  /// changed, neither parameters nor moments nor the step count. Never allocates.
  double step(std::span<T> parameters, std::span<const T> gradient, double factor = 1) {
    check_size("parameters", parameters.size());
    check_size("gradient", gradient.size());
    const double norm = gradient_norm(gradient);
    if (!std::isfinite(norm)) return norm;
    ++steps_;
    const double t = static_cast<double>(steps_);
    const double rate = options_.learning_rate * factor;
    // Squares must fit T, or the second moment is infinite from then on and the parameter stands.
    static const double squarable = 0.5 * std::sqrt(double{std::numeric_limits<T>::max()});
    const double max_norm = std::min(options_.max_norm, squarable);
    const coefficients c{.clip = pack(static_cast<T>(norm > max_norm ? max_norm / norm : 1.0)),
                         .keep1 = pack(static_cast<T>(options_.beta1)),
                         .add1 = pack(static_cast<T>(1 - options_.beta1)),
                         .keep2 = pack(static_cast<T>(options_.beta2)),
                         .add2 = pack(static_cast<T>(1 - options_.beta2)),
                         .correct2 =
                             pack(static_cast<T>(1 / std::sqrt(1 - std::pow(options_.beta2, t)))),
                         .epsilon = pack(static_cast<T>(options_.epsilon)),
                         .rate = pack(static_cast<T>(rate / (1 - std::pow(options_.beta1, t)))),
                         .decay = pack(static_cast<T>(1 - rate * options_.weight_decay))};
    constexpr auto width = static_cast<std::size_t>(pack::size);
    const std::size_t whole = parameters.size() / width * width;
    for (std::size_t i = 0; i < whole; i += width)
      update(c, &parameters[i], &gradient[i], &first_[i], &second_[i]);
    if (const std::size_t rest = parameters.size() - whole; rest > 0) {
      std::array<T, width> p{}, g{}, m{}, v{};
      std::copy_n(&parameters[whole], rest, p.data());
      std::copy_n(&gradient[whole], rest, g.data());
      std::copy_n(&first_[whole], rest, m.data());
      std::copy_n(&second_[whole], rest, v.data());
      update(c, p.data(), g.data(), m.data(), v.data());
      std::copy_n(p.data(), rest, &parameters[whole]);
      std::copy_n(m.data(), rest, &first_[whole]);
      std::copy_n(v.data(), rest, &second_[whole]);
    }
    return norm;
  }

  /// As given.
  const adam_options& options() const { return options_; }
  /// Steps taken so far.
  std::int64_t steps() const { return steps_; }
  /// Running means of the gradient and of its square, in the parameters' layout.
  std::span<const T> first_moment() const { return first_; }
  std::span<const T> second_moment() const { return second_; }

  /// Goes on from a saved state: what `steps`, `first_moment` and `second_moment` gave.
  void resume(std::int64_t steps, std::span<const T> first, std::span<const T> second) {
    if (steps < 0)
      throw std::invalid_argument("adam: expected steps >= 0, got " + std::to_string(steps));
    check_size("first moment", first.size());
    check_size("second moment", second.size());
    steps_ = steps;
    std::copy(first.begin(), first.end(), first_.begin());
    std::copy(second.begin(), second.end(), second_.begin());
  }

 private:
  using pack = simd::pack<T>;
  struct coefficients {
    pack clip, keep1, add1, keep2, add2, correct2, epsilon, rate, decay;
  };

  // One register of parameters. Products are not fused with sums, so that every instruction set
  // gives the same bits; the loop waits for memory and for the square root, not for this.
  static BIJOU_INLINE void update(const coefficients& c, T* p, const T* g, T* first, T* second) {
    const pack gradient = c.clip * pack::load(g);
    const pack m = c.keep1 * pack::load(first) + c.add1 * gradient;
    const pack v = c.keep2 * pack::load(second) + c.add2 * (gradient * gradient);
    m.store(first);
    v.store(second);
    const pack move = (c.rate * m) / (c.correct2 * simd::sqrt(v) + c.epsilon);
    (c.decay * pack::load(p) - move).store(p);
  }

  void check_size(const char* what, std::size_t size) const {
    if (size != first_.size())
      throw std::invalid_argument("adam: expected " + std::string(what) + " of size " +
                                  std::to_string(first_.size()) + ", got " + std::to_string(size));
  }

  adam_options options_;
  std::int64_t steps_ = 0;
  std::vector<T> first_, second_;
};

} // namespace bijou::inline BIJOU_ISA

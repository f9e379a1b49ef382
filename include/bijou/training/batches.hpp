#pragma once
/// \file
/// Where a training run's samples come from: checks, the validation split, gathered minibatches.

#include <bijou/flow/thread_team.hpp>
#include <bijou/kernels/aligned.hpp>
#include <bijou/random/shuffle.hpp>
#include <bijou/training/objectives.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA::detail {

template <class T> const T& element(const batch_view<const T>& b, std::size_t row, int column) {
  return b.data[static_cast<std::ptrdiff_t>(row) * b.sample_stride + column * b.variable_stride];
}

/// Whether a sample takes part: one of weight 0 is absent, whatever it holds.
template <class T> bool is_present(const weighted_batch<T>& b, std::size_t row) {
  return b.weights.empty() || b.weights[row] != T(0);
}

/// Throws unless the values of all samples that take part are finite, and lengths fit.
template <class T>
void check_training_batch(const weighted_batch<T>& b, int size, int context_size) {
  check_batch(b, context_size > 0, "fit");
  if (b.samples.count > std::numeric_limits<std::uint32_t>::max())
    throw std::invalid_argument("fit: expected fewer than 2^32 samples, got " +
                                std::to_string(b.samples.count));
  const auto check = [&](const char* what, const auto& values, int columns) {
    for (std::size_t i = 0; i < values.count; ++i)
      for (int d = 0; d < columns; ++d)
        if (const auto x = element(values, i, d); !std::isfinite(x) && is_present(b, i))
          throw std::invalid_argument("fit: expected finite " + std::string(what) + ", got " +
                                      std::to_string(x) + " in row " + std::to_string(i) +
                                      ", column " + std::to_string(d));
  };
  check("samples", b.samples, size);
  if (context_size > 0) check("contexts", b.context, context_size);
  check("weights", rows_of(b.weights.data(), b.weights.size(), 1), 1);
}

/// Weights as T, in units of the power of two next above the largest: only their ratios matter, and
/// these fit T where the weights themselves may not. Without a change to a bit that T has.
template <class T, class W> std::vector<T> weights_in_units(std::span<const W> weights) {
  const int exponent = exponent_of_largest(weights);
  std::vector<T> result;
  result.reserve(weights.size());
  for (const W w : weights)
    result.push_back(static_cast<T>(std::ldexp(static_cast<double>(w), -exponent)));
  return result;
}

/// A batch of samples with their weights in units that can be summed.
template <class T> class weighted_samples {
 public:
  explicit weighted_samples(const weighted_batch<T>& from)
      : weights_(weights_in_units<T>(from.weights)), batch_(from) {
    batch_.weights = weights_;
  }
  weighted_samples(const weighted_samples&) = delete; // the batch refers to the weights
  weighted_samples& operator=(const weighted_samples&) = delete;
  ~weighted_samples() = default;
  const weighted_batch<T>& batch() const { return batch_; }

 private:
  std::vector<T> weights_;
  weighted_batch<T> batch_;
};

/// A batch that lies in memory as T: that of its source, or a copy of its values.
template <class T> class batch_in_memory {
 public:
  batch_in_memory(const sample_source<T>& source, int size) {
    if (const batch_view<const T>* memory = source.memory()) {
      view_ = *memory;
      return;
    }
    const std::size_t n = source.count();
    copy_.resize(n * static_cast<std::size_t>(size));
    view_ = rows_of<const T>(copy_.data(), n, size);
    std::vector<int> position(static_cast<std::size_t>(size));
    std::iota(position.begin(), position.end(), 0);
    for (std::size_t i = 0; i < n; ++i)
      source.load(i, size, copy_.data() + i * static_cast<std::size_t>(size), position.data());
  }
  batch_in_memory(const batch_in_memory&) = delete; // the view refers to the copy
  batch_in_memory& operator=(const batch_in_memory&) = delete;
  ~batch_in_memory() = default;
  const batch_view<const T>& view() const { return view_; }

 private:
  aligned_vector<T> copy_;
  batch_view<const T> view_;
};

/// Mean weight of some samples: what losses are divided by. `part` says which they are, `advice`
/// what to do where there is no such mean.
template <class T>
double mean_weight(const char* part, const weighted_batch<T>& b,
                   std::span<const std::uint32_t> rows, const char* advice) {
  if (b.weights.empty() || rows.empty()) return 1;
  double sum = 0, largest = 0;
  for (const std::uint32_t i : rows) {
    const auto w = static_cast<double>(b.weights[i]);
    sum += w;
    largest = std::max(largest, std::abs(w));
  }
  if (!(sum > 0))
    throw std::invalid_argument("fit: expected weights with a positive sum, got " +
                                std::to_string(largest > 0 ? sum / largest : 0.0) +
                                " (in units of the largest) for the " +
                                std::to_string(rows.size()) + " " + part + " samples" + advice);
  return sum / static_cast<double>(rows.size());
}

/// Samples copied row after row, with what belongs to them.
template <class T> class gathered_batch {
 public:
  /// Room for `count` samples of `size` variables, with their contexts.
  gathered_batch(const weighted_batch<T>& from, std::size_t count, int size, int context_size)
      : from_(from), size_(static_cast<std::size_t>(size)),
        context_size_(static_cast<std::size_t>(context_size)), samples_(count * size_),
        context_(count * context_size_), weights_(from.weights.empty() ? 0 : count) {}

  /// Puts sample rows[i] of the source at place i, for all i in [begin, end).
  void gather(std::span<const std::uint32_t> rows, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t d = 0; d < size_; ++d)
        samples_[i * size_ + d] = element(from_.samples, rows[i], static_cast<int>(d));
      for (std::size_t d = 0; d < context_size_; ++d)
        context_[i * context_size_ + d] = element(from_.context, rows[i], static_cast<int>(d));
      if (!weights_.empty()) weights_[i] = from_.weights[rows[i]];
    }
  }
  /// Samples in places [begin, end).
  weighted_batch<T> view(std::size_t begin, std::size_t end) const {
    const std::size_t n = end - begin;
    weighted_batch<T> b{rows_of(samples_.data() + begin * size_, n, static_cast<int>(size_))};
    if (context_size_ > 0)
      b.context =
          rows_of(context_.data() + begin * context_size_, n, static_cast<int>(context_size_));
    if (!weights_.empty()) b.weights = std::span(weights_).subspan(begin, n);
    return b;
  }

 private:
  weighted_batch<T> from_;
  std::size_t size_, context_size_;
  aligned_vector<T> samples_, context_, weights_;
};

/// Row numbers of training and validation samples; those of weight 0 are in neither.
struct row_split {
  std::vector<std::uint32_t> training, validation;

  /// A share drawn by the seed goes to validation. Where weights have both signs, rows are taken
  /// evenly from the smallest weight to the largest, so that the share's sum is near its share of
  /// the sum, and positive as that is.
  template <class T>
  row_split(const weighted_batch<T>& samples, double fraction, const philox& noise) {
    if (!(fraction >= 0 && fraction < 1))
      throw std::invalid_argument("fit: expected 0 <= validation_fraction < 1, got " +
                                  std::to_string(fraction));
    bool negative = false;
    for (std::uint32_t i = 0; i < samples.samples.count; ++i) {
      if (!is_present(samples, i)) continue;
      training.push_back(i);
      negative = negative || (!samples.weights.empty() && samples.weights[i] < T(0));
    }
    const std::size_t count = training.size();
    const auto aside = static_cast<std::size_t>(fraction * static_cast<double>(count));
    if (aside == 0) return;
    shuffle(training, noise, 0); // training shuffles begin with epoch 1
    if (negative) one_of_each_stratum(samples.weights, aside, noise);
    validation.assign(training.end() - static_cast<std::ptrdiff_t>(aside), training.end());
    training.resize(count - aside);
    std::sort(validation.begin(), validation.end());
    std::sort(training.begin(), training.end());
  }

 private:
  /// Moves to the end of the shuffled rows one at random of each of `strata` equal parts of the
  /// rows by weight.
  template <class T>
  void one_of_each_stratum(std::span<const T> weights, std::size_t strata, const philox& noise) {
    const std::size_t count = training.size();
    std::vector<std::uint32_t> place(count); // in the shuffled order
    std::iota(place.begin(), place.end(), 0U);
    std::stable_sort(place.begin(), place.end(), [&](std::uint32_t a, std::uint32_t b) {
      return weights[training[a]] < weights[training[b]];
    });
    std::vector<bool> taken(count);
    for (std::size_t i = 0; i < strata; ++i) {
      const share s = share::of(count, i, strata);
      // An epoch that no run comes to: numbers of its own.
      const auto words =
          noise.block(~std::uint64_t{0}, static_cast<std::uint32_t>(i), domain::shuffle);
      const std::uint64_t word = words[0] | std::uint64_t{words[1]} << 32;
      taken[place[s.begin + below(static_cast<std::uint32_t>(s.end - s.begin), word)]] = true;
    }
    std::vector<std::uint32_t> rows, aside;
    for (std::size_t i = 0; i < count; ++i) (taken[i] ? aside : rows).push_back(training[i]);
    rows.insert(rows.end(), aside.begin(), aside.end());
    training = std::move(rows);
  }
};

} // namespace bijou::inline BIJOU_ISA::detail

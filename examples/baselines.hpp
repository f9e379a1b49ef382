#pragma once
/// \file
/// What a flow is compared with: a Gaussian with full covariance, and a mixture of them.
///
/// Both are fitted by maximum likelihood, in double, deterministically. Densities are in nats.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

namespace baselines {

template <std::size_t D> using point = std::array<double, D>;

/// A multivariate normal, kept as its mean and the Cholesky factor of its covariance.
template <std::size_t D> class gaussian {
 public:
  /// The maximum-likelihood fit to weighted points. `ridge` is added to each variance.
  gaussian(const std::vector<point<D>>& points, const std::vector<double>& weights,
           const point<D>& ridge) {
    double total = 0;
    for (std::size_t n = 0; n < points.size(); ++n) {
      total += weights[n];
      for (std::size_t d = 0; d < D; ++d) mean_[d] += weights[n] * points[n][d];
    }
    for (double& m : mean_) m /= total;
    for (std::size_t n = 0; n < points.size(); ++n)
      for (std::size_t r = 0; r < D; ++r)
        for (std::size_t c = 0; c <= r; ++c)
          lower_[r][c] +=
              weights[n] / total * (points[n][r] - mean_[r]) * (points[n][c] - mean_[c]);
    for (std::size_t d = 0; d < D; ++d) variance_[d] = lower_[d][d] += ridge[d];
    for (std::size_t r = 0; r < D; ++r) // Cholesky, in place
      for (std::size_t c = 0; c <= r; ++c) {
        for (std::size_t k = 0; k < c; ++k) lower_[r][c] -= lower_[r][k] * lower_[c][k];
        lower_[r][c] = r == c ? std::sqrt(lower_[r][r]) : lower_[r][c] / lower_[c][c];
      }
    log_norm_ = -0.5 * static_cast<double>(D) * std::log(2 * std::numbers::pi);
    for (std::size_t d = 0; d < D; ++d) log_norm_ -= std::log(lower_[d][d]);
  }

  double log_density(const point<D>& x) const {
    point<D> z{}; // solves lower z = x - mean
    double square = 0;
    for (std::size_t r = 0; r < D; ++r) {
      z[r] = x[r] - mean_[r];
      for (std::size_t k = 0; k < r; ++k) z[r] -= lower_[r][k] * z[k];
      z[r] /= lower_[r][r];
      square += z[r] * z[r];
    }
    return log_norm_ - 0.5 * square;
  }

  const point<D>& mean() const { return mean_; }
  const point<D>& variance() const { return variance_; } ///< of each variable

 private:
  point<D> mean_{}, variance_{};
  std::array<point<D>, D> lower_{};
  double log_norm_ = 0;
};

template <std::size_t D> gaussian<D> fit_gaussian(const std::vector<point<D>>& points) {
  return {points, std::vector<double>(points.size(), 1.0), point<D>{}};
}

/// A weighted sum of Gaussians, fitted by expectation and maximisation (Dempster, Laird & Rubin
/// 1977).
template <std::size_t D> class mixture {
 public:
  double log_density(const point<D>& x) const {
    std::vector<double> terms;
    return log_density(x, terms);
  }

  /// The best, by training likelihood, of several fits from seeded starts.
  static mixture fit(const std::vector<point<D>>& points, int components, std::uint64_t seed,
                     int restarts = 5, int iterations = 500) {
    std::mt19937_64 generator(seed);
    mixture best;
    double best_mean = -std::numeric_limits<double>::infinity();
    for (int r = 0; r < restarts; ++r) {
      mixture candidate;
      const double mean = candidate.fit_once(points, components, generator, iterations);
      if (mean > best_mean) {
        best_mean = mean;
        best = candidate;
      }
    }
    return best;
  }

 private:
  // log sum_k exp(terms[k]), where terms[k] = log(weight_k density_k(x)).
  double log_density(const point<D>& x, std::vector<double>& terms) const {
    terms.clear();
    for (std::size_t k = 0; k < parts_.size(); ++k)
      terms.push_back(log_weights_[k] + parts_[k].log_density(x));
    const double largest = *std::max_element(terms.begin(), terms.end());
    double sum = 0;
    for (const double t : terms) sum += std::exp(t - largest);
    return largest + std::log(sum);
  }

  double fit_once(const std::vector<point<D>>& points, int components, std::mt19937_64& generator,
                  int iterations) {
    const auto n_parts = static_cast<std::size_t>(components);
    const gaussian<D> whole = fit_gaussian(points);
    point<D> ridge = whole.variance(); // keeps a component from collapsing onto one point
    for (double& r : ridge) r *= 1e-6;

    // Centres as in k-means++ (Arthur & Vassilvitskii 2007), in units of each variable's deviation;
    // every point then belongs to its nearest centre.
    std::vector<double> distance(points.size(), 1.0);
    std::vector<std::vector<double>> share(n_parts, std::vector<double>(points.size()));
    std::vector<std::size_t> nearest(points.size());
    for (std::size_t k = 0; k < n_parts; ++k) {
      const point<D> centre = points[draw(distance, generator)];
      for (std::size_t n = 0; n < points.size(); ++n) {
        double square = 0;
        for (std::size_t d = 0; d < D; ++d)
          square += (points[n][d] - centre[d]) * (points[n][d] - centre[d]) / whole.variance()[d];
        if (k == 0 || square < distance[n]) {
          distance[n] = square;
          nearest[n] = k;
        }
      }
    }
    for (std::size_t n = 0; n < points.size(); ++n) share[nearest[n]][n] = 1;

    double mean = -std::numeric_limits<double>::infinity();
    std::vector<double> terms;
    for (int i = 0; i < iterations; ++i) {
      parts_.clear(); // maximisation
      log_weights_.clear();
      for (std::size_t k = 0; k < n_parts; ++k) {
        double weight = 0;
        for (const double s : share[k]) weight += s;
        log_weights_.push_back(std::log(weight / static_cast<double>(points.size())));
        parts_.emplace_back(points, share[k], ridge);
      }
      const double before = mean; // expectation
      mean = 0;
      for (std::size_t n = 0; n < points.size(); ++n) {
        const double log_p = log_density(points[n], terms);
        for (std::size_t k = 0; k < n_parts; ++k) share[k][n] = std::exp(terms[k] - log_p);
        mean += log_p / static_cast<double>(points.size());
      }
      if (mean - before < 1e-6) break;
    }
    return mean;
  }

  // An index with probability proportional to its weight.
  static std::size_t draw(const std::vector<double>& weights, std::mt19937_64& generator) {
    double total = 0;
    for (const double w : weights) total += w;
    double left = static_cast<double>(generator() >> 11) * 0x1p-53 * total;
    for (std::size_t n = 0; n < weights.size(); ++n) {
      left -= weights[n];
      if (left < 0) return n;
    }
    return weights.size() - 1;
  }

  std::vector<double> log_weights_;
  std::vector<gaussian<D>> parts_;
};

} // namespace baselines

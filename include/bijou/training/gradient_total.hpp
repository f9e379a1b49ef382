#pragma once
/// \file
/// Gradients of large batches: parts of them summed in the scalar type, the parts in double.

#include <bijou/flow/thread_team.hpp>
#include <bijou/kernels/aligned.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

namespace bijou::inline BIJOU_ISA::detail {

/// The adjoint adds the gradients of tiles in T, which in float loses digits as the sum grows: 4e-6
/// of a sum of 128 equal tiles, 0.5 % of one of 1e5. So larger batches are cut. Memory is taken
/// with the first such batch, and kept.
template <class T> class gradient_total {
 public:
  /// Samples that are summed in T: whole tiles.
  static constexpr std::size_t part = 8192;

  /// Calls f(samples, gradient) for parts of n samples, one after another; each adds its gradient.
  template <class F> void add(std::size_t n, std::span<T> gradient, F&& f) {
    if (std::is_same_v<T, double> || n <= part) {
      f(share{0, n}, gradient);
      return;
    }
    total_.assign(gradient.begin(), gradient.end());
    own_.resize(gradient.size());
    for (std::size_t first = 0; first < n; first += part) {
      std::fill(own_.begin(), own_.end(), T(0));
      f(share{first, std::min(first + part, n)}, std::span<T>(own_));
      for (std::size_t i = 0; i < own_.size(); ++i) total_[i] += static_cast<double>(own_[i]);
    }
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = static_cast<T>(total_[i]);
  }

 private:
  std::vector<double> total_;
  aligned_vector<T> own_;
};

} // namespace bijou::inline BIJOU_ISA::detail

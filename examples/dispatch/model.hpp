#pragma once
// What the program sees of its density: no expression, no SIMD.
#include <bijou/dispatch.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

/// A density on 8 variables. Samples lie row by row; densities are in nats. For one thread.
struct proposal {
  static constexpr std::size_t size = 8;

  proposal() = default;
  proposal(const proposal&) = delete;
  proposal(proposal&&) = delete;
  proposal& operator=(const proposal&) = delete;
  proposal& operator=(proposal&&) = delete;
  virtual ~proposal() = default;

  /// Samples first, first + 1, ... of its random stream.
  virtual void sample_and_log_prob(std::uint64_t first, std::span<float> samples,
                                   std::span<float> log_q) = 0;
  virtual void log_prob(std::span<const float> samples, std::span<float> log_q) = 0;
};

BIJOU_DISPATCH(make_proposal, std::unique_ptr<proposal>(std::uint64_t seed));

#pragma once
/// \file
/// Standard normals for initial parameters, from a domain of their own.

#include <bijou/random/normal.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace bijou::inline BIJOU_ISA {

/// A sequence of standard normals that depends on the seed alone; never the noise of a sample.
class initial_normals {
 public:
  explicit initial_normals(std::uint64_t seed) : noise_(seed) {}

  double operator()() {
    if (used_ == buffer_.size()) {
      detail::fill_event<detail::normal_numbers>(noise_, domain::initialise, block_++,
                                                 std::span<double>(buffer_));
      used_ = 0;
    }
    return buffer_[used_++];
  }

 private:
  philox noise_;
  std::array<double, 64> buffer_{};
  std::size_t used_ = buffer_.size();
  std::uint64_t block_ = 0;
};

} // namespace bijou::inline BIJOU_ISA

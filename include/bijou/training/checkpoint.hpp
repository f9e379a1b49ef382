#pragma once
/// \file
/// Checkpoints: where a training run stands after an epoch, so that another run goes on from there
/// with the same bits.
///
/// `checkpoint_file(path)` of bijou/io/checkpoint.hpp keeps them in a file; other places are two
/// functions.

#include <bijou/kernels/isa.hpp>
#include <bijou/training/fit_result.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// The vectors of a run, each as long as parameters().
template <class T> struct training_vectors {
  std::vector<T> parameters;    ///< after the last epoch
  std::vector<T> good;          ///< those of the best epoch, or the last known to be good
  std::vector<T> first_moment;  ///< Adam's
  std::vector<T> second_moment; ///< Adam's
};

/// Where a run stands. Its place in all random streams follows from the steps that it has taken.
struct training_state {
  /// What must be the same for a run to go on from here: the flow, the options, the data. Callables
  /// (schedules, targets) cannot be compared; threads and processes may be others, with other
  /// roundings.
  std::map<std::string, std::string> run;
  std::int64_t steps = 0; ///< taken
  fit_result result;      ///< so far
  std::variant<training_vectors<float>, training_vectors<double>> vectors;
};

/// Where checkpoints go, and whether a run begins with one. Of several processes rank 0 alone calls
/// these functions.
struct checkpoints {
  std::function<void(const training_state&)> write{};    ///< called after an epoch; empty: never
  std::function<std::optional<training_state>()> read{}; ///< none: the run begins at its beginning
  int every = 1; ///< epochs between checkpoints; there is one more where the run ends
};

namespace detail {

/// A number that stands for the bits of many: other bits give another one, but for one chance in
/// 2^64 (no adversary is meant).
class fingerprint {
 public:
  template <class X>
    requires std::is_arithmetic_v<X>
  void add(X x) {
    if constexpr (sizeof(X) == 4)
      mix(std::bit_cast<std::uint32_t>(x));
    else if constexpr (sizeof(X) == 8)
      mix(std::bit_cast<std::uint64_t>(x));
    else
      mix(static_cast<std::uint64_t>(x));
  }
  void add(std::string_view text) {
    for (const char c : text) add(c);
    add(text.size());
  }
  std::uint64_t value() const { return value_; }
  std::string text() const {
    std::string hex(16, '0');
    for (std::size_t i = 0; i < 16; ++i) hex[i] = "0123456789abcdef"[value_ >> (60 - 4 * i) & 15U];
    return hex;
  }

 private:
  void mix(std::uint64_t word) { // invertible in the value and in the word: nothing is forgotten
    value_ = (value_ ^ word) * 0x9E3779B97F4A7C15U;
    value_ ^= value_ >> 32;
  }
  std::uint64_t value_ = 0;
};

} // namespace detail
} // namespace bijou::inline BIJOU_ISA

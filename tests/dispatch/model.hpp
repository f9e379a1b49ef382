#pragma once
// What all units of this test see, whatever they are compiled for.
#include <bijou/dispatch.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace app {

// What a variant computed, and with how many lanes: each must have run its own code.
struct computed {
  int lanes;
  std::vector<float> floats;
  std::vector<double> doubles;
};

// Not of the standard library: its type_info is emitted in every unit.
struct model_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Data of all units is one.
inline int calls = 0;

// Inline, but never inlined, and better with wide registers: a linker that keeps one definition for
// all units may keep one that this processor cannot run.
[[gnu::noinline]] inline float sum_of_squares(const std::vector<float>& x) {
  std::vector<float> squares(x);
  for (float& s : squares) s *= s;
  float sum = 0;
  for (const float s : squares) sum += s;
  return sum;
}
using sum_function = float(const std::vector<float>&);

BIJOU_DISPATCH(compute, computed(std::uint64_t seed, bool fail));

namespace inner {
BIJOU_DISPATCH(own_sum, sum_function*());
}

} // namespace app

// Of a library behind the variants in the link line.
app::sum_function* sum_of_the_library();

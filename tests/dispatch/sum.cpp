// Compiled once for each instruction set; of no use to the slowest, so that the first definition of
// sum_of_squares in the program is not one that every processor can run.
#include "model.hpp"

namespace app::inner {

sum_function* BIJOU_VARIANT(own_sum)() {
#if defined(__AVX2__) || defined(__aarch64__)
  return &sum_of_squares;
#else
  return nullptr;
#endif
}

} // namespace app::inner

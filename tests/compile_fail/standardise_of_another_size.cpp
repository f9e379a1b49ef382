// expect-error: bijou: this word has another event size than the expression before it
// expect-error: 8 == 3
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr std::array<double, 3> mean{1, 2, 3}, scale{1, 1, 2};
constexpr auto p = normal<8> | maf<64> | inverse(standardise(mean, scale));

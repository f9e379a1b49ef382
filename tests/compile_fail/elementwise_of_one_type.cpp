// expect-error: bijou: elementwise.f. needs
// expect-error: const function templates
#include <bijou/bijou.hpp>

using namespace bijou;

struct shift {
  double forward(double x) const { return x + 1; }
  double inverse(double y) const { return y - 1; }
  double log_abs_slope(double) const { return 0; }
};
constexpr auto p = normal<2> | elementwise(shift{});

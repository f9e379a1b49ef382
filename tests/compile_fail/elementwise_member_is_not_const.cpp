// expect-error: bijou: elementwise.f. needs
// expect-error: const function templates
#include <bijou/bijou.hpp>

using namespace bijou;

struct shift {
  template <class X> X forward(X x) { return x + X(1); }
  template <class X> X inverse(X y) { return y - X(1); }
  template <class X> X log_abs_slope(X) { return X(0); }
};
constexpr auto p = normal<2> | elementwise(shift{});

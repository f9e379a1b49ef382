// expect-error: bijou: elementwise\(f\) needs f\.forward\(x\), f\.inverse\(y\) and
// f\.log_abs_slope\(x\)
#include <bijou/bijou.hpp>

using namespace bijou;

struct shift {
  template <class X> X forward(X x) const { return x + X(1); }
  template <class X> X inverse(X y) const { return y - X(1); }
};
constexpr auto p = normal<2> | elementwise(shift{});

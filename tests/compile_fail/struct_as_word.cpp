// expect-error: bijou: what stands right of | is no word
// expect-error: elementwise\(my_map\{\}\)
#include <bijou/bijou.hpp>

using namespace bijou;

struct shift {
  template <class X> X forward(X x) const { return x + X(1); }
  template <class X> X inverse(X y) const { return y - X(1); }
  template <class X> X log_abs_slope(X) const { return X(0); }
};
constexpr auto p = normal<2> | iaf<64> | shift{};

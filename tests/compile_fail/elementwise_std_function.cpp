// expect-error: packs have no such function
// expect-error: exp\(b \* log\(a\)\)
#include <bijou/bijou.hpp>

#include <cmath>

using namespace bijou;

struct cube {
  template <class X> X forward(X x) const { return std::pow(x, 3); }
  template <class X> X inverse(X y) const { return std::exp(std::log(y) / 3); }
  template <class X> X log_abs_slope(X x) const { return std::log(3 * x * x); }
};
constexpr auto p = normal<2> | elementwise(cube{});

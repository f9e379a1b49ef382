// expect-error: elementwise_formula_without_derivative\.cpp:[0-9]+
#include <bijou/bijou.hpp>

using namespace bijou;

struct stretch {
  template <class X> X forward(X x) const { return math::exp(x); }
  template <class X> X inverse(X y) const { return math::log(y); }
  template <class X> X log_abs_slope(X x) const { return x.scaled(2); }
};
constexpr auto p = normal<2> | elementwise(stretch{});

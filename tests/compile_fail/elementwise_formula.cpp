// expect-error: elementwise_formula\.cpp:[0-9]+:.*error
// expect-error: softplus
#include <bijou/bijou.hpp>

using namespace bijou;

struct soft {
  template <class X> X forward(X x) const { return softplus(x); } // lacks `using math::softplus;`
  template <class X> X inverse(X y) const { return y + math::log(-math::expm1(-y)); }
  template <class X> X log_abs_slope(X x) const { return math::log(math::sigmoid(x)); }
};
constexpr auto p = normal<2> | elementwise(soft{});

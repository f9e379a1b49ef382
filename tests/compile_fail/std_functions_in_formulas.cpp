// expect-compile
#include <bijou/bijou.hpp>

#include <cmath>

using namespace bijou;

struct shifted_exp {
  static constexpr auto image = kind::positive;
  template <class X> X forward(X x) const { return std::exp(x + 1); }
  template <class X> X inverse(X y) const { return std::log(y) - 1; }
  template <class X> X log_abs_slope(X x) const { return x + 1; }
};
constexpr auto p = normal<2> | elementwise(shifted_exp{});

const auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_gradient_workspace();
std::vector<float> g(q.parameters().size());
const auto loss = elbo([](const auto& x) { return -std::exp(-x[0] * x[0]) * std::abs(x[1]); });
auto value = loss.accumulate(q, std::span<float>(g), ws);

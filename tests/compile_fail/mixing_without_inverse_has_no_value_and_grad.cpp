// expect-error: bijou: a word of this flow has no inverse, as a mixing\(map\) without map.inverse
#include <bijou/bijou.hpp>

using namespace bijou;

struct bent {
  template <class X, class Y> void forward(const X& x, Y& y) const {
    auto a = x[0];
    auto b = tanh(a);
    auto c = a + b;
    y.set(0, c);
  }
};
const auto q = make_flow<float>(normal<2> | mixing(bent{}) | iaf<8>);
const xt::xtensor<float, 2> y{{1, 2}};
auto loss = value_and_grad(q, y);

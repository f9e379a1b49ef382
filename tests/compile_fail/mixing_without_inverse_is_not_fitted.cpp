// expect-error: bijou: fit scores samples by the inverse, and a word of this flow has none
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
auto q = make_flow<float>(normal<2> | mixing(bent{}) | iaf<8>);
const xt::xtensor<float, 2> y{{1, 2}};
auto r = fit(q, y);

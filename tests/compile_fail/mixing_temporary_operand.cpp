// expect-error: bijou: an operand of a formula needs a name
// most-lines: 15
#include <bijou/bijou.hpp>

using namespace bijou;

struct bent {
  template <class X, class Y> void forward(const X& x, Y& y) const {
    auto a = x[0];
    auto b = tanh(a * a);
    y.set(0, b);
  }
};
const auto q = make_flow<float>(normal<2> | mixing(bent{}));

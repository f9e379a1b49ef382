// expect-error: bijou: a value of a formula cannot be copied: refer to it
// most-lines: 15
#include <bijou/bijou.hpp>

using namespace bijou;

struct doubled {
  template <class X, class Y> void forward(const X& x, Y& y) const {
    auto a = x[0];
    auto same = a;
    auto b = a + same;
    y.set(0, b);
  }
};
const auto q = make_flow<float>(normal<2> | mixing(doubled{}));

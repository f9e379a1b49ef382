// expect-error: bijou: this word has no inverse, as a mixing\(map\) without map.inverse
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
constexpr auto p = inverse(iaf<64> | mixing(bent{}));

// expect-error: bijou: this word has another event size than the expression before it
#include <bijou/bijou.hpp>

using namespace bijou;

struct swapped {
  static constexpr int size = 2;
  template <class X, class Y> void forward(const X& x, Y& y) const {
    auto a = x[0];
    auto b = x[1];
    y.set(0, b);
    y.set(1, a);
  }
};
constexpr auto p = normal<3> | mixing(swapped{});

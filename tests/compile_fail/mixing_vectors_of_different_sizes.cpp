// expect-error: bijou: the vectors of one operation have equally many variables
// most-lines: 15
#include <bijou/bijou.hpp>

using namespace bijou;

struct shifted {
  static constexpr std::array parameters{parameter{"by", 3}};
  template <class X, class Y, class B> void forward(const X& x, Y& y, const B& by) const {
    auto moved = x + by;
    y.set(moved);
  }
};
const auto q = make_flow<float>(normal<2> | mixing(shifted{}));

// expect-error: bijou: the layer of a word that says .invertible. lacks one of the four members
#include <bijou/bijou.hpp>

using namespace bijou;

struct no_inverse { // a map whose layer has none
  static constexpr std::array parameters{parameter{"shift"}};
  template <class X, class Y, class S> void forward(const X& x, Y& y, const S& shift) const {
    auto moved = x[0] + shift;
    y.set(0, moved);
  }
};
struct my_word : decltype(planar) {
  template <class T, int L, int D, int C> using layer = mixing_layer<T, L, D, no_inverse>;
};
const auto q = make_flow<double>(normal<2> | my_word{});

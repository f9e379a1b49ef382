// expect-error: bijou: the layer of a word lacks a member, or has one of another type
// expect-error: concept layer_of
#include <bijou/bijou.hpp>

using namespace bijou;

struct my_word : decltype(planar) {
  template <class T, int L, int D, int C> struct layer {
    void forward(const tile<T>&) const {}
  };
};
const auto q = make_flow<double>(normal<2> | my_word{});

// expect-error: bijou: driven<H...>.f. takes its parameters from a context, and there is none:
// write given<C> first
#include <bijou/bijou.hpp>

using namespace bijou;

auto f = make_bijector<double, 2>(driven<8>(affine) | flip);

// expect-error: bijou: driven<H...>.f. takes its parameters from a context, and there is none:
// write given<C> after the base
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | planar | driven<8>(planar);

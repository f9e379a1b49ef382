// expect-error: bijou: no word of this flow reads the context of its given<C>
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<double>(normal<4> | given<3> | householder<2> | flip |
                           inverse(lower_triangular) | affine);

// expect-error: bijou: no word of this bijector reads the context of its given<C>
#include <bijou/bijou.hpp>

using namespace bijou;

auto f = make_bijector<double, 2>(given<3> | flip | inverse(lower_triangular | affine));

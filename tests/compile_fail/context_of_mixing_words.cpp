// expect-error: bijou: no word of this flow reads the context of its given<C>
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto back_and_forth = exp_map | inverse(exp_map);
auto q = make_flow<double>(normal<2> | given<1> | planar | inverse(radial | back_and_forth));

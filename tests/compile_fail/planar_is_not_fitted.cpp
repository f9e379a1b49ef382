// expect-error: bijou: fit scores samples by the inverse, and a word of this flow has no closed
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | planar);
const xt::xtensor<float, 2> y{{1, 2}};
auto r = fit(q, y);

// expect-error: bijou: a word of this flow has no closed inverse \(planar, radial, sylvester\)
// expect-error: numerically_inverted\(word\)
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | numerically_inverted(planar) | radial);
const xt::xtensor<float, 2> y{{1, 2}};
auto lp = q.log_prob(y);

// expect-error: bijou: parallel
#include <bijou/bijou.hpp>

using namespace bijou;

auto r = parallel(make_flow<float>(normal<2> | iaf<8>), 2).log_prob(xt::xtensor<float, 2>());

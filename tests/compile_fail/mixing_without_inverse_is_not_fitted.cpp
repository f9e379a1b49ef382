// expect-error: bijou: fit scores samples by the inverse, and a word of this flow has none
#include <bijou/bijou.hpp>

#include "harness/one_way_map.hpp"

using namespace bijou;

auto q = make_flow<float>(normal<2> | mixing(bent{}) | iaf<8>);
const xt::xtensor<float, 2> y{{1, 2}};
auto r = fit(q, y);

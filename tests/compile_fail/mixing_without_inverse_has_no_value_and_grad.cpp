// expect-error: bijou: a word of this flow has no inverse, as a mixing\(map\) without map.inverse
#include <bijou/bijou.hpp>

#include "harness/one_way_map.hpp"

using namespace bijou;

const auto q = make_flow<float>(normal<2> | mixing(bent{}) | iaf<8>);
const xt::xtensor<float, 2> y{{1, 2}};
auto loss = value_and_grad(q, y);

// expect-error: bijou: marginal<K>.q. takes a flow in which no variable depends on a later
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | planar);
auto first = marginal<1>(q);

// expect-error: bijou: marginal<K>.q. leaves the first K variables of q, 1 <= K <= D
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | iaf<8>);
auto first = marginal<3>(q);

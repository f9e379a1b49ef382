// expect-error: bijou: marginal<K>.q. takes a flow in which no variable depends on a later
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | iaf<8> | flip | iaf<8>);
const float lp = marginal<1>(q).log_prob(std::array{0.5F});

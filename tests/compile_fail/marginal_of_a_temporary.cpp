// expect-error: bijou: marginal<K>.q. refers to its flow
#include <bijou/bijou.hpp>

using namespace bijou;

auto first = marginal<1>(make_flow<float>(normal<2> | iaf<8>));

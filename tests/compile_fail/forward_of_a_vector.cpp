// expect-error: bijou: forward.x.
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | iaf<8>);
const std::vector<float> x(20);
auto y = q.forward(x);

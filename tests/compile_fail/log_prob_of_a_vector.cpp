// expect-error: bijou: of a std::vector, or a std::span without a length
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | iaf<8>);
const std::vector<float> y(20);
auto lp = q.log_prob(y);

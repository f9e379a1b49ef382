// expect-error: bijou: of a std::vector, or a std::span without a length
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_workspace();
std::vector<float> y(20), x(20), log_p(10), c(30);
const auto batch = rows_of(y.data(), 10, 2);
float log_q = q.log_prob(std::span<const float>(y.data(), 2), ws);

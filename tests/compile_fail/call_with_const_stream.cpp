// expect-error: bijou: sample.stream, n. draws with a philox
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
const philox stream{1};
auto [y, log_p] = q.sample_and_log_prob(stream, 10);

// expect-error: bijou: sample.stream, n.
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | iaf<8>);
philox stream{1};
auto y = q.sample(stream);

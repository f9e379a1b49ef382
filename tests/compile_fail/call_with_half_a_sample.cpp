// expect-error: bijou: sample.stream, n. takes a random stream
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
philox stream{1};
auto y = q.sample(stream, 1e4);

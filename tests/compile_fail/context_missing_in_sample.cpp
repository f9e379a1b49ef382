// expect-error: bijou: this flow has a given<C>: pass the context
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | given<3> | iaf<8>);
philox stream{1};
auto y = q.sample(stream, 10);

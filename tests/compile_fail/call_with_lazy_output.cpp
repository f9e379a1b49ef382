// expect-error: bijou: an output of this call cannot be written
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_workspace();
xt::xtensor<float, 2> y{{1, 2}};
philox stream{1};
const auto done = (q.sample(stream, y + 1.0F, ws), 0);

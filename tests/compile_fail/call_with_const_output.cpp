// expect-error: bijou: an output of this call cannot be written
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_workspace();
const xt::xtensor<float, 2> x{{1, 2}}, y{{1, 2}};
const auto done = (q.inverse(y, x, nullptr, ws), 0);

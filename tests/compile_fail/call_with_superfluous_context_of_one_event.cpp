// expect-error: bijou: a context is only for flows with given<C>
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_workspace();
std::array<float, 2> event{};
std::array<float, 3> context{};
philox stream{1};
const auto done = (q.sample(stream, event, context, ws), 0);

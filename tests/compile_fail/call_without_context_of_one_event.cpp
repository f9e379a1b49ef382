// expect-error: bijou: this flow has a given<C>: pass the context
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | given<3> | iaf<8>);
auto ws = q.make_workspace();
std::array<float, 2> event{};
philox stream{1};
float log_p = q.sample_and_log_prob(stream, std::span(event), ws);

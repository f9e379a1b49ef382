// expect-error: bijou: the expression of this flow says the units of its context
#include <bijou/bijou.hpp>

using namespace bijou;

void in_use(const xt::xtensor<float, 2>& context) {
  auto q = make_flow<float>(normal<2> | given<1>.standardise({1000}, {200}) | iaf<64>);
  standardise_context(q, context);
}

// expect-error: bijou: standardise_context\(q, context\) is for flows with given<C>
#include <bijou/bijou.hpp>

using namespace bijou;

void in_use(const xt::xtensor<float, 2>& context) {
  auto q = make_flow<float>(normal<2> | iaf<64>);
  standardise_context(q, context);
}

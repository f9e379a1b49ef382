// expect-error: bijou: condition\(context\) is for flows with given<C>
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | iaf<8>);
const xt::xtensor<float, 1> c{1, 2, 3};
auto r = q.condition(c);

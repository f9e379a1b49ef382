// expect-error: condition
// expect-error: bijou: condition
#include <bijou/bijou.hpp>

using namespace bijou;

const xt::xtensor<float, 1> c{1, 2, 3};
auto r = make_flow<float>(normal<2> | given<3> | iaf<8>).condition(c);

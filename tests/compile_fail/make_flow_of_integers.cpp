// expect-error: bijou: make_flow<T>\(expression\) makes flows of float or double
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<int>(normal<2> | iaf<64>);

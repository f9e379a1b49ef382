// expect-error: arn
#include <bijou/bijou.hpp>

using namespace bijou;

auto a = arn<0>(make_flow<float>(normal<2> | iaf<8>));

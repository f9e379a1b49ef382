// expect-error: parameters
#include <bijou/bijou.hpp>

using namespace bijou;

auto p = make_flow<float>(normal<2> | iaf<8>).parameters();

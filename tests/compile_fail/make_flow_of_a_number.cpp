// expect-error: bijou: make_flow needs a base
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(8);

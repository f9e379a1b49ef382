// expect-error: bijou: the parameters of t.fixed\(\) are numbers of its own
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | given<1> | driven<8>(additive.fixed());

// expect-error: bijou: no word of this flow reads the context of its given<C>
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | given<3>);

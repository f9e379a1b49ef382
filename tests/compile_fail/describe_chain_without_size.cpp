// expect-error: describe<D>\(word
#include <bijou/bijou.hpp>

using namespace bijou;

auto text = describe(iaf<64> | flip);

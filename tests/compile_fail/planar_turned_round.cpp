// expect-error: bijou: this word has no closed inverse \(planar, radial, sylvester\)
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = inverse(iaf<64> | planar);

// expect-error: given<C>, which stands outside inverse
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | inverse(given<3> | iaf<64>);

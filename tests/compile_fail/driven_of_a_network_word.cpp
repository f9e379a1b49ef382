// expect-error: bijou: driven<H...>.f. takes a transformer, such as affine, or a word that mixes
// variables
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | given<1> | driven<8>(maf<8>);

// expect-compile
#include <bijou/kernels/simd.hpp>
int main() { return bijou::simd::pack<float>::size > 0 ? 0 : 1; }

// An outside user's program.
#include <bijou/kernels/simd.hpp>

#include <cstdio>

int main() {
  std::printf("%d lanes\n", bijou::simd::pack<float>::size);
  return 0;
}

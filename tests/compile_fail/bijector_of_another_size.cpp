// expect-error: bijou: a word of make_bijector<T, D>.words. has another event size than D
// expect-error: 8 == 3
#include <bijou/bijou.hpp>

using namespace bijou;

auto f = make_bijector<float, 8>(iaf<64> | permute({2, 0, 1}));

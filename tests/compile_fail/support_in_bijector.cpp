// expect-error: bijou: the words of make_bijector<T, D>.words. do not fit: the domain of one
#include <bijou/bijou.hpp>

using namespace bijou;

auto f = make_bijector<float, 2>(exp_map | iaf<64>);

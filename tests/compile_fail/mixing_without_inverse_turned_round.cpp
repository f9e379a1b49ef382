// expect-error: bijou: this word has no inverse, as a mixing\(map\) without map.inverse
#include <bijou/bijou.hpp>

#include "harness/one_way_map.hpp"

using namespace bijou;

constexpr auto p = inverse(iaf<64> | mixing(bent{}));

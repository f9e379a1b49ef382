// expect-error: bijou: autoregressive<H\.\.\.>\(t\) and coupling<H\.\.\.>\(t\) take a transformer
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<2> | coupling<64>(exp_map);

// expect-error: channel_permute<C> takes images of C channels, C numbers a pixel
#include <bijou/bijou.hpp>

using namespace bijou;

constexpr auto p = normal<8> | channel_permute<3>;

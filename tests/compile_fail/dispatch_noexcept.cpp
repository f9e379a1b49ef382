// expect-error: expects the type of a function, without noexcept
#include <bijou/dispatch.hpp>

BIJOU_DISPATCH(answer, int() noexcept);
